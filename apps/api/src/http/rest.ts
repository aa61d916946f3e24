import {
  defaultMaxBodyBytes,
  escapeToken,
  type Operation,
  sendManyNotifications,
  TidingsError,
} from '@tidings/contracts';
import { z } from 'zod';
import type { CsvForm, Implementation, OpenContext } from '../operations.ts';
import { requireAccess } from '../principal.ts';
import { hasBody, readJson } from './body.ts';
import { readCloudEvents } from './cloud-events.ts';
import { isCsv, prefersCsv, readCsvBody, streamCsv } from './csv.ts';
import { maxFaults } from './json.ts';
import { invalidRequest, jsonResponse } from './problem.ts';
import { isWellEncoded, misencodedFields } from './url.ts';

/** What a REST request is made of, once its path is matched. */
export interface RestRequest {
  request: Request;
  url: URL;
  params: Record<string, string>;
  context: OpenContext;
}

/**
 * Answers one operation over REST: the input is the path's parameters with the query (GET) or the body, the
 * answer what the operation says.
 */
export function createRestHandler({ operation, handler, csv = {} }: Implementation) {
  const numeric = numericFields(operation.input);
  const inPath = new Set([...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));

  return async ({ request, url, params, context }: RestRequest): Promise<Response> => {
    if (operation.access !== 'anyone') requireAccess(context.principal, operation.access);
    checkEncoding(url, Object.keys(params));
    const given =
      operation.method === 'GET'
        ? fromQuery(url.searchParams, numeric, inPath)
        : csv.read !== undefined && isCsv(request.headers)
          ? await fromCsv(request, operation, csv.read, fromQuery(url.searchParams, numeric, inPath))
          : await fromBody(request, operation, inPath, url.searchParams);
    const parsed = operation.input.safeParse({ ...given, ...params });
    if (!parsed.success) throw invalidRequest(parsed.error);
    const output = await handler(parsed.data, context);
    const headers = { ...context.headers, 'x-request-id': context.requestId };
    if (csv.write === undefined || !prefersCsv(request.headers)) {
      return jsonResponse(operation.status, output, headers);
    }
    const next = (after: string) => handler({ ...(parsed.data as object), after }, context);
    return streamCsv({ first: output, next, write: csv.write, name: operation.name, headers });
  };
}

/** Where the body has no place for other fields, they stand in the query. */
async function fromCsv(
  request: Request,
  operation: Operation,
  read: NonNullable<CsvForm['read']>,
  query: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const fields = read(await readCsvBody(request, operation.maxBodyBytes ?? defaultMaxBodyBytes));
  refuse(
    Object.keys(query).filter((name) => Object.hasOwn(fields, name)),
    'belongs in the body, not in the query',
  );
  return { ...query, ...fields };
}

/** What does not decode would otherwise be taken for what it is not: `%zz` as it stands, or with U+FFFD in it. */
function checkEncoding(url: URL, parameters: string[]): void {
  refuse(isWellEncoded(url.pathname) ? [] : parameters, 'is not UTF-8 in percent-encoding');
  refuse(misencodedFields(url), 'is not UTF-8 in percent-encoding');
}

async function fromBody(
  request: Request,
  operation: Operation,
  inPath: ReadonlySet<string | undefined>,
  query: URLSearchParams,
): Promise<Record<string, unknown>> {
  refuse([...query.keys()], 'belongs in the body, not in the query');
  requireItemKeys(request, operation);
  const maxBytes = operation.maxBodyBytes ?? defaultMaxBodyBytes;
  const cloudEvents = await readCloudEvents(request, maxBytes, operation.cloudEvents);
  if (cloudEvents !== undefined) return cloudEvents;
  const body = hasBody(request.headers) ? (await readJson(request, maxBytes)).value : {};
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new TidingsError('invalid_request', { detail: 'The body must be a JSON object' });
  }
  const fields = body as Record<string, unknown>;
  const misplaced = [...inPath, ...(operation.idempotencyHeader ? ['idempotencyKey'] : [])].filter(
    (name): name is string => name !== undefined && Object.hasOwn(fields, name),
  );
  refuse(
    misplaced.filter((name) => name === 'idempotencyKey'),
    'belongs in the Idempotency-Key header',
  );
  refuse(misplaced, 'belongs in the path');
  const key = operation.idempotencyHeader ? request.headers.get('idempotency-key') : null;
  return key === null ? fields : { ...fields, idempotencyKey: unquoted(key) };
}

/** A key that one header gives to many items would protect none of them: better said than dropped. */
function requireItemKeys(request: Request, operation: Operation): void {
  if (operation.name !== sendManyNotifications.name || !request.headers.has('idempotency-key')) return;
  throw new TidingsError('invalid_idempotency_key', {
    detail: 'Each item of a bulk request has its own idempotencyKey; the header is not used',
  });
}

/** The header is a structured string (draft-ietf-httpapi-idempotency-key-header §2.1); bare keys are common. */
function unquoted(key: string): string {
  return /^".*"$/.test(key) ? key.slice(1, -1) : key;
}

function fromQuery(
  query: URLSearchParams,
  numeric: ReadonlySet<string>,
  inPath: ReadonlySet<string | undefined>,
): Record<string, unknown> {
  const names = [...query.keys()];
  refuse(
    names.filter((name) => inPath.has(name)),
    'belongs in the path',
  );
  refuse(
    names.filter((name, index) => names.indexOf(name) !== index),
    'is given twice',
  );
  const parsed = (name: string, text: string) =>
    numeric.has(name) && /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  // Own properties even for `__proto__`, which the schema then refuses like any unknown field.
  return Object.fromEntries([...query].map(([name, text]) => [name, parsed(name, text)]));
}

/** Refuses a request for these fields, if there are any. */
function refuse(names: string[], detail: string): void {
  if (names.length === 0) return;
  const errors = names.slice(0, maxFaults).map((name) => ({ pointer: `/${escapeToken(name)}`, detail }));
  throw new TidingsError('invalid_request', { errors });
}

/** Fields that a query gives as text and the schema wants as a number. */
function numericFields(input: z.ZodType): ReadonlySet<string> {
  const { properties = {} } = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' });
  const isNumeric = (schema: unknown) => ['integer', 'number'].includes((schema as { type: string }).type);
  return new Set(Object.keys(properties).filter((name) => isNumeric(properties[name])));
}
