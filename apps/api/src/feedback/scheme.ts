import type { Feedback } from '@tidings/db';

/** What a body tells, and how much of it is nothing that is kept. */
export interface Told {
  feedback: Feedback[];
  ignored: number;
}

/** One way to tell of messages: how the sender proves who it is, and how its body is read. */
export interface Scheme {
  /** Is it the sender's, and not from long ago? Looks at headers and octets only. */
  isSigned(headers: Headers, body: Uint8Array, nowMs: number): boolean;
  /**
   * Reads what was found to be signed.
   *
   * @throws TidingsError `invalid_request` for a body of another shape
   */
  read(body: unknown, headers: Headers): Told;
}
