import { publishEvent } from '@tidings/contracts';
import { mutation } from '../operations.ts';
import type { AcceptEvent } from './accept-events.ts';

/** `events.publish`. A repeat is answered as the first one was, and says so in a header. */
export const publish = (acceptEvent: AcceptEvent) =>
  mutation(publishEvent, async (input, { principal, headers }) => {
    const { answer, replayed } = await acceptEvent(principal.projectId, input);
    headers.location = `/v1/events/${answer.id}`;
    if (replayed) headers['idempotent-replayed'] = 'true';
    return answer;
  });
