import { cloudEvent, errorsOf, type Operation, type SignedRoute } from '@tidings/contracts';
import { z } from 'zod';
import { createDocument, type ZodOpenApiPathsObject } from 'zod-openapi';
import { exampleOf } from './examples.ts';
import { describeErrors } from './openapi-errors.ts';

/** The OpenAPI 3.1 document of the REST API, made from the operations themselves, and the routes beside them. */
export function createOpenApi(operations: Operation[], signedRoutes: readonly SignedRoute[] = []) {
  const paths: ZodOpenApiPathsObject = {};
  for (const operation of operations) {
    // OpenAPI §4.8.8.2 forbids two paths that differ only in the names of their parameters: the first one names.
    const path =
      Object.keys(paths).find((known) => shapeOfPath(known) === shapeOfPath(operation.path)) ??
      operation.path;
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation, path) };
  }
  for (const route of signedRoutes) {
    paths[route.path] = { [route.method.toLowerCase()]: describeSigned(route) };
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Tidings',
      version: '0.1.0',
      description: 'Self-hosted notifications. Every answer of 400 and above is an RFC 9457 document.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }, { account: [] }],
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key of a project: `tk_…`.' },
        account: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description:
            'The access token of an account, from `auth.login` or `auth.refresh`. The header `Tidings-Project` ' +
            'names the key of the project that is meant; without it that is `default`.',
        },
      },
    },
    paths,
  });
}

type Responses = Record<`${1 | 2 | 3 | 4 | 5}${string}` | 'default', object>;

function describe(operation: Operation, path: string) {
  const shape = shapeOf(operation.input);
  const inPath = parametersOf(operation.path);
  const shown = parametersOf(path);
  const pathShape = Object.fromEntries(
    inPath.map((name, index) => [shown[index] ?? name, shape[name] ?? z.string()]),
  );
  const rest = pick(
    shape,
    (name) => !inPath.includes(name) && !(operation.idempotencyHeader && name === 'idempotencyKey'),
  );
  const body = operation.method !== 'GET' && Object.keys(rest).length > 0;
  return {
    operationId: operation.name,
    summary: operation.summary,
    ...accessOf(operation),
    tags: [operation.name.split('.')[0] ?? ''],
    requestParams: {
      ...(inPath.length > 0 && { path: z.object(pathShape) }),
      ...(operation.method === 'GET' && { query: z.object(rest) }),
      ...(operation.idempotencyHeader && {
        header: z.object({ 'Idempotency-Key': shape.idempotencyKey ?? z.string().optional() }),
      }),
    },
    ...(body && {
      requestBody: {
        content: {
          'application/json': {
            schema: z.strictObject(rest),
            example: pick(exampleOf(operation.input, 'input') as Record<string, unknown>, (name) =>
              Object.hasOwn(rest, name),
            ),
          },
          ...(operation.csv === 'body' && csvContent),
          ...(operation.cloudEvents === 'one' && cloudEventContent),
          ...(operation.cloudEvents === 'many' && batchContent),
        },
      },
    }),
    responses: {
      [operation.status]: {
        description: 'Success',
        content: {
          'application/json': { schema: operation.output, example: exampleOf(operation.output, 'output') },
          ...(operation.csv === 'answer' && csvContent),
        },
      },
      ...describeErrors(
        errorsOf(operation).filter((code) => operation.method !== 'GET' || code !== 'invalid_json'),
      ),
    } as Responses,
  };
}

function describeSigned({ name, summary, description, params, headers, body, status, errors }: SignedRoute) {
  const responses: Record<string, object> = {
    [status]: { description: 'It is on record.' },
    ...describeErrors([...errors]),
  };
  return {
    operationId: name,
    summary,
    description,
    security: [],
    tags: [name.split('.')[0] ?? ''],
    requestParams: { path: params, header: headers },
    requestBody: { content: { 'application/json': { schema: body, example: exampleOf(body, 'input') } } },
    responses: responses as Responses,
  };
}

const csvContent = { 'text/csv': { schema: z.string().meta({ description: 'With a header line.' }) } };

const cloudEventContent = {
  'application/cloudevents+json': { schema: cloudEvent, example: exampleOf(cloudEvent, 'input') },
};
const batchContent = {
  'application/cloudevents-batch+json': {
    schema: z.array(cloudEvent).min(1).max(1000),
    example: [exampleOf(cloudEvent, 'input')],
  },
};

/** Who may call, where it is not the rule for all: a key or an account with the scope. */
function accessOf({ access }: Operation) {
  if (access === 'anyone') return { description: 'Needs no credentials.', security: [] };
  if ('scope' in access) return { description: `Needs the scope \`${access.scope}\`.` };
  return {
    description: `For accounts of the role \`${access.role}\` or a higher one.`,
    security: [{ account: [] }],
  };
}

function parametersOf(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
}

function shapeOfPath(path: string): string {
  return path.replaceAll(/\{\w+\}/g, '{}');
}

type Shape = Record<string, z.ZodType>;

function shapeOf(input: z.ZodType): Shape {
  return input instanceof z.ZodObject ? (input.shape as Shape) : {};
}

function pick<Value>(of: Record<string, Value>, wanted: (name: string) => boolean): Record<string, Value> {
  return Object.fromEntries(Object.entries(of).filter(([name]) => wanted(name)));
}
