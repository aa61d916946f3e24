import { z } from 'zod';

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 22:00');

/**
 * The hours of a recipient's day, in its timezone, in which nothing but critical messages go out. `to` before
 * `from` is that of the next day.
 */
export const quietHours = z
  .strictObject({ from: timeOfDay, to: timeOfDay })
  .refine(({ from, to }) => from !== to, { message: 'must not begin and end at the same time' })
  .meta({ examples: [{ from: '22:00', to: '07:00' }] });
export type QuietHours = z.infer<typeof quietHours>;
