import type { Accept } from '@tidings/accept';
import { type SendManyOutput, sendInput, sendManyNotifications } from '@tidings/contracts';
import type { Log } from '@tidings/runtime';
import { bulkFaults } from '../http/bulk-faults.ts';
import { invalidRequest } from '../http/problem.ts';
import { mutation } from '../operations.ts';

/**
 * `notifications.sendMany`: every item on its own, results in the order of the request. An outage, or no room
 * for more, fails the whole request: it is worth repeating, and the keys of its items make that safe.
 */
export const sendMany = (options: { accept: Accept; isOutage: (error: unknown) => boolean; log: Log }) =>
  mutation(sendManyNotifications, async ({ items }, { principal, requestId }) => {
    const { accept, ...rest } = options;
    const { faultOf, faultOfThrown } = bulkFaults({ ...rest, requestId });
    const acceptItem = async (item: unknown, index: number): Promise<SendManyOutput['items'][number]> => {
      const parsed = sendInput.safeParse(item);
      if (!parsed.success) return { index, error: faultOf(invalidRequest(parsed.error)) };
      try {
        const { answer } = await accept(principal.projectId, parsed.data);
        return { index, ...answer };
      } catch (error) {
        return { index, error: faultOfThrown(error, index) };
      }
    };
    return { items: await Promise.all(items.map(acceptItem)) };
  });
