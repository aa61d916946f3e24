import type { z } from 'zod';
import type { Access } from './access.ts';
import type { ErrorCode } from './errors.ts';

/**
 * One operation of the API: the same over tRPC (by its name) and over REST (by method and path).
 *
 * Over REST the input is put together from the path's `{parameters}`, then the query (GET) or the body.
 */
export interface Operation<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  /** Dotted name, as in tRPC: `notifications.send`. */
  name: string;
  summary: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: `/v1/${string}`;
  /** Status of a successful answer. */
  status: 200 | 201 | 202;
  access: Access;
  input: Input;
  output: Output;
  /** What it may answer beyond what every operation of its kind may: see `errorsOf`. */
  errors?: readonly ErrorCode[];
  /** The REST idempotency key comes in the `Idempotency-Key` header, not in the body. */
  idempotencyHeader?: boolean;
  /** Over REST it takes CSV (RFC 4180) beside JSON as its body, or answers it where JSON is not asked for. */
  csv?: 'body' | 'answer';
  /**
   * Over REST it takes CloudEvents 1.0 (HTTP binding §3) beside its own body: one, structured or binary, or a batch.
   */
  cloudEvents?: 'one' | 'many';
  /** Largest body in bytes. */
  maxBodyBytes?: number;
}

/** Declares an operation, keeping the exact types of its schemas. */
export function operation<Input extends z.ZodType, Output extends z.ZodType>(
  declared: Operation<Input, Output>,
): Operation<Input, Output> {
  return declared;
}

export const defaultMaxBodyBytes = 1024 * 1024;
export const bulkMaxBodyBytes = 10 * 1024 * 1024;
