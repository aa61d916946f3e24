import { TidingsError } from '@tidings/contracts';
import { RateLimiterRes } from 'rate-limiter-flexible';
import { type Limiters, openLimiters } from './limiters.ts';
import type { Principal } from './principal.ts';

/** Counts a request and answers the headers that tell a program where it stands. */
export type LimitRate = (principal: Principal) => Promise<Record<string, string>>;

/**
 * At most `perSecond` requests a second for each caller; a request is one, however many items it has. Undefined:
 * no limit, no headers. The headers are those of draft-ietf-httpapi-ratelimit-headers-06.
 *
 * @throws TidingsError `rate_limited` with `Retry-After`.
 */
export function createRateLimit(options: {
  perSecond?: number;
  limiters?: Pick<Limiters, 'create'>;
}): LimitRate {
  const { perSecond, limiters = openLimiters({}) } = options;
  if (perSecond === undefined) return async () => ({});
  const limiter = limiters.create({ name: 'requests', points: perSecond, durationSeconds: 1 });
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
