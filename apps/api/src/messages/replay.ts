import { refusalsInWords, replayMessage, TidingsError } from '@tidings/contracts';
import { mutation } from '../operations.ts';
import type { Replays, Skipped } from './replays.ts';

/** `messages.replay`. */
export const replay = (replays: Replays) =>
  mutation(replayMessage, async ({ id, content }, context) => {
    const request = { ids: [id], content, target: id, action: replayMessage.name };
    const {
      skipped: [refused],
    } = await replays(request, context);
    if (refused !== undefined) throw refusalOf(refused);
    return { id, status: 'queued' as const };
  });

function refusalOf({ reason, faults = [] }: Skipped): TidingsError {
  const detail = refusalsInWords[reason];
  switch (reason) {
    case 'not_found':
      return new TidingsError('not_found');
    case 'template_not_found':
    case 'channel_without_content':
      return new TidingsError(reason, { detail });
    case 'data_does_not_fit':
      return new TidingsError('invalid_variables', { detail, errors: faults });
    default:
      return new TidingsError('not_replayable', { detail });
  }
}
