import { type CopyAttempt, getCopy, TidingsError } from '@tidings/contracts';
import type { CopyAttemptRow, Store } from '@tidings/db';
import { toIso } from '../iso.ts';
import { query } from '../operations.ts';
import { viewCopyLine } from './view.ts';

/** `copies.get`. */
export const get = (store: Store) =>
  query(getCopy, async ({ id }, { principal }) => {
    const found = await store.getCopy(principal.projectId, id);
    if (found === undefined) throw new TidingsError('not_found');
    return { ...viewCopyLine(found), attempts: found.attempts.map(viewAttempt) };
  });

function viewAttempt({ number, outcome, reason, code, response, ...row }: CopyAttemptRow): CopyAttempt {
  return {
    number,
    startedAt: toIso(row.startedAt),
    finishedAt: toIso(row.finishedAt),
    outcome,
    reason,
    code,
    response,
  };
}
