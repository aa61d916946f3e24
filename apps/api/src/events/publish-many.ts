import { type PublishManyOutput, publishInput, publishManyEvents, TidingsError } from '@tidings/contracts';
import type { Log } from '@tidings/runtime';
import { bulkFaults } from '../http/bulk-faults.ts';
import { invalidRequest } from '../http/problem.ts';
import { mutation } from '../operations.ts';
import type { AcceptEvent } from './accept-events.ts';

/**
 * `events.publishMany`: every item on its own, results in the order of the request. An outage, or no room for more,
 * fails the whole request: it is worth repeating, and the ids of its items make that safe. An item that is an error
 * is a CloudEvent that could not be taken.
 */
export const publishMany = (options: {
  acceptEvent: AcceptEvent;
  isOutage: (error: unknown) => boolean;
  log: Log;
}) =>
  mutation(publishManyEvents, async ({ items }, { principal, requestId }) => {
    const { acceptEvent, ...rest } = options;
    const { faultOf, faultOfThrown } = bulkFaults({ ...rest, requestId });
    const acceptItem = async (item: unknown, index: number): Promise<PublishManyOutput['items'][number]> => {
      if (item instanceof TidingsError) return { index, error: faultOf(item) };
      const parsed = publishInput.safeParse(item);
      if (!parsed.success) return { index, error: faultOf(invalidRequest(parsed.error)) };
      try {
        const { answer } = await acceptEvent(principal.projectId, parsed.data);
        return { index, ...answer };
      } catch (error) {
        return { index, error: faultOfThrown(error, index) };
      }
    };
    return { items: await Promise.all(items.map(acceptItem)) };
  });
