import type { ErrorCode, Problem } from '@tidings/contracts';
import { TRPCClientError } from '@trpc/client';
import type { AnyRouter } from '@trpc/server';

export type { ErrorCode, Problem };

/**
 * The API refused a call, or could not do it. Look at `code`; `problem.errors` says where in the input the
 * fault is.
 */
export class TidingsApiError extends TRPCClientError<AnyRouter> {
  readonly code: ErrorCode;
  readonly problem: Problem;

  constructor(problem: Problem, cause?: Error) {
    super(problem.detail, { cause });
    // tRPC's own constructor takes the prototype away.
    Object.setPrototypeOf(this, TidingsApiError.prototype);
    this.name = 'TidingsApiError';
    this.code = problem.code;
    this.problem = problem;
  }
}

/**
 * No answer of the API came: no connection, no answer in time, or one of somebody else on the way. Whether the
 * call was carried out is not known; with an idempotency key a send is safe to repeat.
 */
export class TidingsConnectionError extends TRPCClientError<AnyRouter> {
  constructor(message: string, cause?: Error) {
    super(message, { cause });
    Object.setPrototypeOf(this, TidingsConnectionError.prototype);
    this.name = 'TidingsConnectionError';
  }
}

/** Is it an error of the API, and with this code when one is given? */
export function isApiError(error: unknown, code?: ErrorCode): error is TidingsApiError {
  return error instanceof TidingsApiError && (code === undefined || error.code === code);
}

/** The problem document behind an error of the client; undefined when the API gave none (no connection, say). */
export function problemOf(error: unknown): Problem | undefined {
  return error instanceof TidingsApiError ? error.problem : undefined;
}

/** tRPC's error as one of the client's. An abort by the caller stays what it is. */
export function asClientError(error: TRPCClientError<AnyRouter>): TRPCClientError<AnyRouter> {
  const problem = (error.data as { problem?: Problem } | null | undefined)?.problem;
  if (problem !== undefined) return new TidingsApiError(problem, error);
  const { cause } = error;
  if (error instanceof TidingsApiError || cause?.name === 'AbortError') return error;
  return new TidingsConnectionError(cause?.message ?? error.message, cause ?? error);
}
