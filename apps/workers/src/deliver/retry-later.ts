/** Tells BullMQ when to run the job again; its backoff reads the delay. */
export class RetryLater extends Error {
  readonly delayMs: number;
  constructor(delayMs: number, reason: string) {
    super(`retrying: ${reason}`);
    this.name = 'RetryLater';
    this.delayMs = delayMs;
  }
}

/**
 * Milliseconds until a failed job runs again. Errors of our own making, such as a database that is away,
 * come back after about a second.
 */
export function backoffOf(error: Error): number {
  return error instanceof RetryLater ? Math.ceil(error.delayMs) : 1000 + Math.random() * 500;
}
