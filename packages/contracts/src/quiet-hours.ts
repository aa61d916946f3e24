/** The hours of a recipient's day, in its timezone, in which nothing but critical messages go out: `HH:MM` each. */
export interface QuietHours {
  from: string;
  /** Before `from`, it is that of the next day. */
  to: string;
}
