import { TidingsError } from '@tidings/contracts';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Principal } from './principal.ts';

/** Counts a request and answers the headers that tell a program where it stands. */
export type LimitRate = (principal: Principal) => Promise<Record<string, string>>;

/**
 * At most `perSecond` requests a second for each caller, in this process. Undefined: no limit, no headers.
 *
 * @throws TidingsError `rate_limited` with `Retry-After`.
 */
export function createRateLimit({ perSecond }: { perSecond?: number }): LimitRate {
  if (perSecond === undefined) return async () => ({});
  const limiter = new RateLimiterMemory({ points: perSecond, duration: 1 });
  const headersOf = (state: RateLimiterRes) => ({
    'ratelimit-limit': String(perSecond),
    'ratelimit-remaining': String(Math.max(0, state.remainingPoints)),
    'ratelimit-reset': String(Math.ceil(state.msBeforeNext / 1000)),
  });
  return async ({ id }) => {
    try {
      return headersOf(await limiter.consume(id));
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      const headers = headersOf(refused);
      throw new TidingsError('rate_limited', {
        headers: { ...headers, 'retry-after': headers['ratelimit-reset'] },
      });
    }
  };
}
