import { type ErrorCode, TidingsError } from '@tidings/contracts';
import { parseJson } from './json.ts';

// A byte order mark is left in, for JSON.parse to refuse: RFC 8259 §8.1 wants none.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A body that `parseJson` has found good: its text and what it says. */
export interface JsonBody {
  text: string;
  value: unknown;
}

/**
 * Reads a request's JSON body.
 *
 * @param type what the body must say that it is
 * @throws TidingsError `unsupported_media_type` unless it is plain JSON in UTF-8, `body_too_large` beyond
 * `maxBytes`, `malformed_request` when it does not arrive in full, `invalid_json` for what `parseJson` refuses.
 */
export async function readJson(
  request: Request,
  maxBytes: number,
  type = 'application/json',
): Promise<JsonBody> {
  requireType(request.headers, type);
  const text = await readText(request, { maxBytes, invalid: 'invalid_json' });
  return { text, value: parseJson(text) };
}

/**
 * Reads a JSON body as it came, before anybody knows whether it is one.
 *
 * @throws TidingsError as `readJson`, but for `invalid_json`
 */
export function readJsonBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  requireType(request.headers, 'application/json');
  return readAll(request, maxBytes);
}

/**
 * Reads a request's body as text in UTF-8.
 *
 * @param options.invalid what the error is called when it is not UTF-8
 * @throws TidingsError that, `body_too_large` beyond `maxBytes`, `malformed_request` when it does not arrive in full.
 */
export async function readText(
  request: Request,
  { maxBytes, invalid }: { maxBytes: number; invalid: ErrorCode },
): Promise<string> {
  const bytes = await readAll(request, maxBytes);
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new TidingsError(invalid, { detail: 'The body is not valid UTF-8', cause });
  }
}

async function readAll(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes);
  return readBytes(request, maxBytes).catch((cause) => {
    // The client went away in the middle of its body.
    throw cause instanceof TidingsError ? cause : new TidingsError('malformed_request', { cause });
  });
}

/** Does the request say that a body comes with it? */
export function hasBody(headers: Headers): boolean {
  return (
    headers.has('content-type') ||
    headers.has('transfer-encoding') ||
    Number(headers.get('content-length')) > 0
  );
}

/** @throws TidingsError `unsupported_media_type` unless the body is of this type, plain and in UTF-8. */
export function requireType(headers: Headers, expected: string): void {
  const [type = '', ...parameters] = (headers.get('content-type') ?? '').toLowerCase().split(';');
  const charset = parameters.map((parameter) => parameter.trim()).find((text) => text.startsWith('charset='));
  const encoding = headers.get('content-encoding') ?? 'identity';
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  if (type.trim() === expected && isUtf8 && encoding === 'identity') return;
  throw new TidingsError('unsupported_media_type');
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (request.headers.has('content-length')) {
    // The server cuts the body off at the announced length, which is within the bound.
    return new Uint8Array(await request.arrayBuffer());
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(maxBytes: number): TidingsError {
  return new TidingsError('body_too_large', { detail: `The body may have at most ${maxBytes} bytes` });
}
