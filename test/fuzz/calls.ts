import type { Operation } from '@tidings/contracts';
import { z } from 'zod';
import { Raw, toJson } from './hostile.ts';

/** A request as `TestApi.call` takes it. */
export interface Call {
  method: string;
  path: string;
  body?: string;
  headers?: Record<string, string>;
}

/** How an operation is asked over tRPC: as a POST, or with its input in the query. */
export function trpcCall(operation: Operation, input: unknown): Call {
  const path = `/trpc/${operation.name}`;
  const json = toJson(input);
  if (operation.method !== 'GET') return { method: 'POST', path, body: json };
  return { method: 'GET', path: `${path}?input=${encode(json)}` };
}

/** How it is asked over REST: each field where it belongs, and there as it is if that can be written at all. */
export function restCall(operation: Operation, input: unknown): Call {
  const { method } = operation;
  if (!isFields(input))
    return { method, path: operation.path, ...(method !== 'GET' && { body: toJson(input) }) };
  const rest = new Map(Object.entries(input));
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = rest.get(name);
    rest.delete(name);
    return encode(plain(value));
  });
  if (method === 'GET') {
    const query = [...rest].map(([name, value]) => `${encode(name)}=${encode(plain(value))}`);
    return { method, path: query.length === 0 ? path : `${path}?${query.join('&')}` };
  }
  const key = rest.get('idempotencyKey');
  const inHeader =
    operation.idempotencyHeader && typeof key === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(key);
  if (inHeader) rest.delete('idempotencyKey');
  const body = toJson(Object.fromEntries(rest));
  return { method, path, body, ...(inHeader && { headers: { 'idempotency-key': key } }) };
}

/** Is this what a URL cannot say: nothing, or a dot segment (RFC 3986 §5.2.4) in the place of a parameter? */
export function isUnspeakable(operation: Operation, input: unknown): boolean {
  if (!isFields(input)) return true;
  return [...operation.path.matchAll(/\{(\w+)\}/g)].some(([, name = '']) =>
    /^(\.|%2e){0,2}$/i.test(plain(input[name])),
  );
}

/** What the API is asked over REST: in a URL everything is text, but for numbers of a query. */
export function asAskedOverRest(operation: Operation, input: unknown): unknown {
  if (!isFields(input)) return {};
  const isInUrl = (name: string) => operation.method === 'GET' || operation.path.includes(`{${name}}`);
  const asked = (name: string, value: unknown) => {
    if (!isInUrl(name)) return JSON.parse(toJson(value));
    return isNumeric(operation, name) && !operation.path.includes(`{${name}}`)
      ? Number(plain(value))
      : plain(value);
  };
  return Object.fromEntries(Object.entries(input).map(([name, value]) => [name, asked(name, value)]));
}

function isNumeric(operation: Operation, name: string): boolean {
  const { properties = {} } = z.toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' });
  const { type } = (properties[name] ?? {}) as { type?: string };
  return type === 'integer' || type === 'number';
}

function isFields(input: unknown): input is Record<string, unknown> {
  return typeof input === 'object' && input !== null && !Array.isArray(input) && !(input instanceof Raw);
}

/** A value where only text can stand. */
function plain(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : toJson(value);
}

/** A lone surrogate cannot be encoded: its three bytes stand for it, which no decoder may take. */
function encode(text: string): string {
  return text
    .split(/([\ud800-\udfff])/u)
    .map((part) => (part.isWellFormed() ? encodeURIComponent(part) : '%ED%A0%80'))
    .join('');
}
