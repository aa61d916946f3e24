import { type ErrorDetail, errorCatalogue, TidingsError, toProblem } from '@tidings/contracts';
import type { z } from 'zod';
import { escapeToken, maxFaults } from './json.ts';

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
  const errors = faultsOf(error);
  // A field that is not known is none of the key's, whatever it is called.
  const isKey = error.issues.length > 0 && error.issues.every(({ path }) => path[0] === 'idempotencyKey');
  return new TidingsError(isKey ? 'invalid_idempotency_key' : 'invalid_request', {
    errors: errors.map(({ pointer, detail }) => ({ pointer: prefix + pointer, detail })),
  });
}

/** A schema's complaints, each with its place. */
export function faultsOf(error: z.core.$ZodError): ErrorDetail[] {
  return error.issues.flatMap((issue) => detailsOf(issue, [])).slice(0, maxFaults);
}

function detailsOf(issue: z.core.$ZodIssue, parents: PropertyKey[]): ErrorDetail[] {
  const path = [...parents, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ pointer: pointerOf([...path, key]), detail: 'is not a known field' }));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    return closestBranch(issue.errors).flatMap((inner) => detailsOf(inner, path));
  }
  return [{ pointer: pointerOf(path), detail: issue.message }];
}

/** Of a union's branches the one that was most likely meant: no unknown fields, then the fewest complaints. */
function closestBranch(branches: z.core.$ZodIssue[][]): z.core.$ZodIssue[] {
  const distance = (issues: z.core.$ZodIssue[]) =>
    issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? 10 : 1), 0);
  return branches.reduce((best, branch) => (distance(branch) < distance(best) ? branch : best));
}

function pointerOf(path: PropertyKey[]): string {
  return path.map((part) => `/${escapeToken(String(part))}`).join('');
}
