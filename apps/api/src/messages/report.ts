import { reportMessage, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import type { RecordFeedback } from '../feedback/record-feedback.ts';
import { isoOrNull } from '../iso.ts';
import { mutation } from '../operations.ts';
import { factsOf } from './facts.ts';

/** `messages.report`: the application tells what it heard of a message. */
export const report = ({ store, recordFeedback }: { store: Store; recordFeedback: RecordFeedback }) =>
  mutation(reportMessage, async ({ id, at, ...told }, { principal: { projectId } }) => {
    const feedback = { ...told, messageId: id, ...(at !== undefined && { at: Date.parse(at) }) };
    const [result] = await recordFeedback([feedback], { projectId, source: 'api', kind: 'api' });
    const found = result === 'unknown' ? undefined : await store.getMessage(projectId, id);
    if (found === undefined) throw new TidingsError('not_found');
    const { status, reason, endedAt } = found.message;
    return { id, status, reason, endedAt: isoOrNull(endedAt), facts: factsOf(found.feedback) };
  });
