import {
  type SendManyOutput,
  sendInput,
  sendManyNotifications,
  TidingsError,
  toProblem,
} from '@tidings/contracts';
import type { Log } from '@tidings/runtime';
import type { Accept } from '../accept/accept.ts';
import { invalidRequest } from '../http/problem.ts';
import { mutation } from '../operations.ts';

/**
 * `notifications.sendMany`: every item on its own, results in the order of the request. An outage, or no room
 * for more, fails the whole request: it is worth repeating, and the keys of its items make that safe.
 */
export const sendMany = (options: { accept: Accept; isOutage: (error: unknown) => boolean; log: Log }) =>
  mutation(sendManyNotifications, async ({ items }, { principal, requestId }) => {
    const { accept, isOutage, log } = options;
    const acceptItem = async (item: unknown, index: number): Promise<SendManyOutput['items'][number]> => {
      const parsed = sendInput.safeParse(item);
      if (!parsed.success) return { index, error: toProblem(invalidRequest(parsed.error), requestId) };
      try {
        const { answer } = await accept(principal.projectId, parsed.data);
        return { index, ...answer };
      } catch (error) {
        const isOurs = error instanceof TidingsError;
        if (isOutage(error) || (isOurs && error.code === 'overloaded')) throw error;
        if (isOurs) return { index, error: toProblem(error, requestId) };
        log.error({ err: error, requestId, index }, 'an item of a bulk request failed');
        return { index, error: toProblem(new TidingsError('internal'), requestId) };
      }
    };
    return { items: await Promise.all(items.map(acceptItem)) };
  });
