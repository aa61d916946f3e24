import { type Problem, TidingsError, toProblem } from '@tidings/contracts';
import type { Log } from '@tidings/runtime';

/** How the items of a bulk request fail. */
export function bulkFaults(options: { requestId: string; isOutage: (error: unknown) => boolean; log: Log }) {
  const { requestId, isOutage, log } = options;

  function faultOf(error: TidingsError): Problem {
    return toProblem(error, requestId);
  }

  /**
   * What was thrown, as the fault of one item.
   *
   * @throws it again when it concerns all of them: the record is away, or nothing more is accepted.
   */
  function faultOfThrown(error: unknown, index: number) {
    const isOurs = error instanceof TidingsError;
    if (isOutage(error) || (isOurs && error.code === 'overloaded')) throw error;
    if (isOurs) return faultOf(error);
    log.error({ err: error, requestId, index }, 'an item of a bulk request failed');
    return faultOf(new TidingsError('internal'));
  }

  return { faultOf, faultOfThrown };
}
