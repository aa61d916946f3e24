import { Temporal } from 'temporal-polyfill';
import type { QuietHours } from './quiet-hours.ts';

/**
 * When the quiet hours that `now` is in are over, in milliseconds since the epoch; undefined outside of them.
 *
 * The wall clock of the zone decides, so an hour that it shows twice may be quiet twice. The end is the next time it
 * shows `to`, at most 25 hours away; where a change of the clock leaves that time out, it is when the clock jumps.
 *
 * @throws RangeError for a zone that is not known here.
 */
export function quietUntil(options: {
  now: number;
  quietHours: QuietHours;
  timezone: string;
}): number | undefined {
  const { now, quietHours, timezone } = options;
  const { from, to } = quietHours;
  const here = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timezone);
  const time = here.toPlainTime().toString({ smallestUnit: 'minute' });
  const crossesMidnight = from > to;
  const isQuiet = crossesMidnight ? time >= from || time < to : time >= from && time < to;
  if (!isQuiet) return undefined;
  const day = crossesMidnight && time >= from ? here.toPlainDate().add({ days: 1 }) : here.toPlainDate();
  const end = day.toPlainDateTime(to);
  const [earlier, later] = (['earlier', 'later'] as const).map((disambiguation) =>
    end.toZonedDateTime(timezone, { disambiguation }),
  );
  if (earlier === undefined || later === undefined) return undefined;
  const isLeftOut =
    earlier.epochMilliseconds !== later.epochMilliseconds && !earlier.toPlainDateTime().equals(end);
  if (isLeftOut) return earlier.getTimeZoneTransition('next')?.epochMilliseconds;
  return earlier.epochMilliseconds > now ? earlier.epochMilliseconds : later.epochMilliseconds;
}
