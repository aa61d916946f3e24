import { type ErrorCode, errorCatalogue } from './errors.ts';
import type { Operation } from './operation.ts';

/** Every error an operation may answer: those it declares, and those that follow from how it is called. */
export function errorsOf(operation: Operation): ErrorCode[] {
  const isOpen = operation.access === 'anyone';
  const takesBody = operation.method !== 'GET';
  const codes: ErrorCode[] = [
    'invalid_request',
    // Over tRPC the input of a query is JSON too.
    'invalid_json',
    ...(operation.idempotencyHeader ? (['invalid_idempotency_key'] as const) : []),
    ...(takesBody ? bodyErrors : []),
    // An account's call may name a project.
    ...(isOpen ? [] : (['unauthorized', 'forbidden', 'project_not_found'] as const)),
    'rate_limited',
    'internal',
    'unavailable',
    ...(operation.errors ?? []),
  ];
  return [...new Set(codes)].sort((one, other) => statusOf(one) - statusOf(other));
}

const bodyErrors = [
  'malformed_request',
  'request_timeout',
  'body_too_large',
  'unsupported_media_type',
] as const satisfies ErrorCode[];

function statusOf(code: ErrorCode): number {
  return errorCatalogue[code].status;
}
