import { type Lane, type SendInput, TidingsError } from '@tidings/contracts';

const hourMs = 3_600_000;

/** How long a message may wait for its delivery when the request does not say. */
const lifetimeMs: Readonly<Record<Lane, number>> = {
  critical: hourMs,
  high: 72 * hourMs,
  normal: 72 * hourMs,
  bulk: 72 * hourMs,
};

const maxAheadMs = 366 * 24 * hourMs;

/** How far in the past `sendAt` may be and still mean now: clocks differ. */
const clockToleranceMs = 5 * 60_000;

/**
 * When the messages are due and when they expire, in milliseconds since the epoch. `sendAt` is null for now.
 *
 * @throws TidingsError `invalid_time` for an instant in the past, more than 366 days ahead, or an expiry
 * before the sending.
 */
export function planTimes(
  input: Pick<SendInput, 'lane' | 'sendAt' | 'expiresAt'>,
  now: number,
): { sendAt: number | null; expiresAt: number } {
  const sendAt = input.sendAt === undefined ? now : Date.parse(input.sendAt);
  const expiresAt =
    input.expiresAt === undefined ? sendAt + lifetimeMs[input.lane] : Date.parse(input.expiresAt);
  if (!(sendAt >= now - clockToleranceMs)) throw invalidTime('/sendAt', 'is in the past');
  if (sendAt > now + maxAheadMs) throw invalidTime('/sendAt', 'is more than 366 days ahead');
  if (!(expiresAt > Math.max(sendAt, now))) {
    throw invalidTime('/expiresAt', 'is not after the time of sending');
  }
  if (expiresAt > now + 2 * maxAheadMs) throw invalidTime('/expiresAt', 'is more than two years ahead');
  return { sendAt: sendAt > now ? sendAt : null, expiresAt };
}

function invalidTime(pointer: string, detail: string): TidingsError {
  return new TidingsError('invalid_time', { errors: [{ pointer, detail }] });
}
