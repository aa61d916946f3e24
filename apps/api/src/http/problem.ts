import { errorCatalogue, faultsOf, TidingsError, toProblem } from '@tidings/contracts';
import type { z } from 'zod';
import { maxFaults } from './json.ts';

/** What every answer carries: nothing here is a page to sniff, frame or keep. */
export const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;

/** A JSON answer. */
export function jsonResponse(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', ...securityHeaders, ...headers },
  });
}

/** The answer to an error: an RFC 9457 document, with `extra` members beside it. */
export function problemResponse(
  error: TidingsError,
  requestId: string,
  extra: Record<string, unknown> = {},
): Response {
  return jsonResponse(
    errorCatalogue[error.code].status,
    { ...toProblem(error, requestId), ...extra },
    { ...error.headers, 'content-type': 'application/problem+json', 'x-request-id': requestId },
  );
}

/** A schema's complaints as one error of the catalogue, each with its place. */
export function invalidRequest(error: z.core.$ZodError, prefix = ''): TidingsError {
  const errors = faultsOf(error).slice(0, maxFaults);
  // A field that is not known is none of the key's, whatever it is called.
  const isKey = error.issues.length > 0 && error.issues.every(({ path }) => path[0] === 'idempotencyKey');
  return new TidingsError(isKey ? 'invalid_idempotency_key' : 'invalid_request', {
    errors: errors.map(({ pointer, detail }) => ({ pointer: prefix + pointer, detail })),
  });
}
