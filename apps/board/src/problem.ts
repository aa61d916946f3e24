import { type ErrorCode, errorCatalogue, TidingsError, toProblem } from '@tidings/contracts';

/** What every answer of the board carries. Its pages load nothing from elsewhere and stand in no frame. */
export const securityHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    // Bull Board's page and its components set styles of their own.
    "style-src 'self' 'unsafe-inline'",
    "base-uri 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/**
 * An RFC 9457 document with `extra` members beside it. Bull Board's page shows `error` and `message`, each a
 * text or a key of its translations.
 */
export function problemResponse(
  error: TidingsError,
  requestId: string,
  extra: Record<string, unknown> = {},
): Response {
  const document = toProblem(error, requestId);
  const { title, detail } = document;
  const shown = { error: title, ...(detail !== title && { message: detail }) };
  return new Response(JSON.stringify({ ...document, ...shown, ...extra }), {
    status: document.status,
    headers: { ...error.headers, 'content-type': 'application/problem+json' },
  });
}

const codes: Readonly<Record<number, ErrorCode>> = {
  403: 'action_refused',
  404: 'not_found',
  405: 'method_not_allowed',
};

/** An error that Bull Board answered by itself, as a document. */
export async function asProblem(response: Response, requestId: string): Promise<Response> {
  const { error, message } = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const code = codes[response.status] ?? (response.status < 500 ? 'invalid_request' : 'internal');
  const { key } = (error ?? {}) as { key?: string };
  const detail = key === undefined ? errorCatalogue[code].title : inWords(key);
  return problemResponse(new TidingsError(code, { detail }), requestId, {
    ...(error !== undefined && { error, message }),
  });
}

/** Bull Board names its errors by keys of its translations: ERRORS.JOB_NOT_FOUND. */
function inWords(key: string): string {
  const words = key.replace(/^ERRORS\./, '').replaceAll('_', ' ');
  return words.charAt(0) + words.slice(1).toLowerCase();
}
