import {
  cloudEvent,
  type ErrorDetail,
  escapeToken,
  faultsOf,
  type Operation,
  TidingsError,
} from '@tidings/contracts';
import { hasBody, readJson } from './body.ts';
import { maxFaults } from './json.ts';

const structuredType = 'application/cloudevents+json';
const batchType = 'application/cloudevents-batch+json';

/** Attributes that every CloudEvent has: one of them among the headers makes the request one in binary mode. */
const required = ['specversion', 'id', 'source', 'type'];
const prefix = 'ce-';

/**
 * What a request that is CloudEvents says, as the input of the operation that takes them: one in structured or
 * binary mode, or a batch of any (HTTP binding §3.1 to §3.3). Undefined when it is no CloudEvent. Of a batch, an
 * event that cannot be taken is the error that says why, for it is no fault of the others.
 *
 * It is not read by the `cloudevents` package, which decodes no header, fills in what is missing and takes a batch as
 * it comes; `parseJson` is in front of everything here.
 *
 * @throws TidingsError `invalid_cloud_event`, with pointers to attributes, or as `readJson` does.
 */
export async function readCloudEvents(
  request: Request,
  maxBytes: number,
  taken: Operation['cloudEvents'],
): Promise<Record<string, unknown> | undefined> {
  const { headers } = request;
  if (taken === 'many' && isOfType(headers, batchType)) {
    const { value } = await readJson(request, maxBytes, batchType);
    if (!Array.isArray(value)) {
      throw new TidingsError('invalid_cloud_event', { detail: 'A batch must be a JSON array' });
    }
    return { items: value.map(faultOrFields) };
  }
  if (taken !== 'one') return undefined;
  if (isOfType(headers, structuredType)) {
    return fieldsOf((await readJson(request, maxBytes, structuredType)).value);
  }
  if (!required.some((name) => headers.has(prefix + name))) return undefined;
  const attributes = attributesOf(headers);
  if (!hasBody(headers)) return fieldsOf(attributes);
  return fieldsOf({ ...attributes, data: (await readJson(request, maxBytes)).value });
}

function isOfType(headers: Headers, type: string): boolean {
  const [given = ''] = (headers.get('content-type') ?? '').toLowerCase().split(';');
  return given.trim() === type;
}

function faultOrFields(value: unknown): Record<string, unknown> | TidingsError {
  try {
    return fieldsOf(value);
  } catch (error) {
    if (error instanceof TidingsError) return error;
    throw error;
  }
}

/** A CloudEvent as a publish says the same. */
function fieldsOf(value: unknown): Record<string, unknown> {
  const parsed = cloudEvent.safeParse(withoutNulls(value));
  if (!parsed.success) {
    const errors = faultsOf(parsed.error).slice(0, maxFaults);
    throw new TidingsError('invalid_cloud_event', { errors });
  }
  const { id, source, type, subject, time, data } = parsed.data;
  return {
    id,
    source,
    type,
    data,
    ...(subject !== undefined && { subject }),
    ...(time !== undefined && { occurredAt: time }),
  };
}

/** An attribute that is null is one that is not there (JSON format §2.3). */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name, one]) => one !== null || name === 'data'));
}

/** Attributes of an event in binary mode. Names are letters and digits (CloudEvents §3.1). */
function attributesOf(headers: Headers): Record<string, string> {
  const attributes: Array<[string, string]> = [];
  const errors: ErrorDetail[] = [];
  for (const [header, value] of headers) {
    const name = header.slice(prefix.length);
    if (!header.startsWith(prefix) || !/^[a-z0-9]+$/.test(name) || name === 'data') continue;
    const decoded = decode(value);
    if (decoded !== undefined) attributes.push([name, decoded]);
    else errors.push({ pointer: `/${escapeToken(name)}`, detail: 'is not UTF-8 in percent-encoding' });
  }
  if (errors.length > 0) throw new TidingsError('invalid_cloud_event', { errors });
  return Object.fromEntries(attributes);
}

/** HTTP binding §3.1.3.2: what is quoted is taken out of its quotes, and then percent-decoded, once. */
function decode(value: string): string | undefined {
  const text = /^".*"$/.test(value) ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value;
  // Whatever is not printable ASCII must have been encoded.
  if (/[^\x20-\x7e]/.test(text)) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
