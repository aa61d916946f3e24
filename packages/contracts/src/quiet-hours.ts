import { z } from 'zod';

const timeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 22:00')
  .meta({ examples: ['22:00', '07:00'] });

/**
 * The hours of a recipient's day, in its timezone, in which nothing but critical messages go out. With `to` before
 * `from` they end on the next day.
 */
export const quietHours = z
  .strictObject({ from: timeOfDay, to: timeOfDay })
  .refine(({ from, to }) => from !== to, { path: ['to'], message: 'must differ from the beginning' })
  .meta({ examples: [{ from: '22:00', to: '07:00' }] });
export type QuietHours = z.infer<typeof quietHours>;
