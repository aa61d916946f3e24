import { Validator } from '@seriousme/openapi-schema-validator';
import { errorCatalogue, errorsOf, type Operation } from '@tidings/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allOperations, openTestApi, type TestApi } from '../../../../test/support/api.ts';

interface Media {
  example: unknown;
  schema: { allOf?: Array<{ properties?: { code: { enum: string[] } } }> };
}
interface Described {
  operationId: string;
  security?: object[];
  parameters?: Array<{ name: string; in: string; schema: { examples?: unknown[] } }>;
  requestBody?: { content: { 'application/json': Media } };
  responses: Record<string, { description: string; headers?: object; content: Record<string, Media> }>;
}

let tested: TestApi;
let document: { paths: Record<string, Record<string, Described>> };
let described: Map<string, Described & { method: string; path: string }>;
beforeAll(async () => {
  tested = await openTestApi();
  const { text } = await tested.call('GET', '/openapi.json');
  document = JSON.parse(text);
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, method, path })),
  );
  described = new Map(all.map((operation) => [operation.operationId, operation]));
});
afterAll(() => tested.close());

test('the document is one of OpenAPI 3.1', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  expect(validator.version).toBe('3.1');
});

test('operations that take CloudEvents say so, one and many', () => {
  const typesOf = (name: string) => {
    const { requestBody } = described.get(name) as unknown as { requestBody: { content: object } };
    return Object.keys(requestBody.content);
  };
  expect(typesOf('events.publish')).toEqual(['application/json', 'application/cloudevents+json']);
  expect(typesOf('events.publishMany')).toEqual(['application/json', 'application/cloudevents-batch+json']);
  expect(typesOf('notifications.send')).toEqual(['application/json']);
});

test('every route of the document is served, and no other under /v1', async () => {
  const anonymous = { authorization: '' };
  for (const { method, path, security } of described.values()) {
    const asked = path.replaceAll(/\{\w+\}/g, 'x');
    const answer = await tested.call(method.toUpperCase(), asked, undefined, anonymous);
    const expected = security?.length === 0 ? expect.not.stringMatching('not_found') : 'unauthorized';
    expect(answer.body.code ?? answer.status, `${method} ${path}`).toEqual(expected);
  }
  const paths = [...described.values()].map(({ path }) => path.replaceAll(/\{\w+\}/g, 'x'));
  for (const path of new Set(paths.flatMap((one) => [`${one}/x`, one.slice(0, one.lastIndexOf('/'))]))) {
    const isDocumented = Object.keys(document.paths).some((one) =>
      new RegExp(`^${one.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
    );
    if (isDocumented) continue;
    expect((await tested.call('GET', path)).body.code, path).toBe('not_found');
  }
});

describe.each(allOperations.map((operation) => [operation.name, operation] as const))(
  '%s',
  (name, operation) => {
    const found = () => {
      const one = described.get(name);
      if (one === undefined) throw new Error(`${name} is not in the document`);
      return one;
    };

    test('shows a request that its schema takes', () => {
      const { parameters = [], requestBody } = found();
      const inUrl = parameters
        .filter(({ in: place }) => place === 'path')
        .map(({ name: parameter, schema }) => [parameter, schema.examples?.[0]]);
      const body = requestBody?.content['application/json'].example;
      const input = { ...Object.fromEntries(inUrl), ...(body as object) };
      expect(operation.input.safeParse(named(operation, input)).error).toBeUndefined();
      const takesMore = operation.method !== 'GET' && requestBody !== undefined;
      if (takesMore) expect(Object.keys(body as object).length).toBeGreaterThan(0);
    });

    test('shows an answer that its schema describes', () => {
      const media = found().responses[String(operation.status)]?.content['application/json'];
      expect(operation.output.safeParse(media?.example).error).toBeUndefined();
    });

    test('lists its errors with their status, and says what they mean', () => {
      const { responses, method } = found();
      const codes = Object.entries(responses)
        .filter(([status]) => /^[45]/.test(status))
        .flatMap(([status, { description, content }]) => {
          const { schema, example } = content['application/problem+json'] ?? {};
          const theirs = schema?.allOf?.at(-1)?.properties?.code.enum ?? [];
          expect(theirs).toContain((example as { code: string }).code);
          return theirs.map((code) => {
            const { status: real, title } = errorCatalogue[code as keyof typeof errorCatalogue];
            expect(String(real)).toBe(status);
            expect(description).toContain(`\`${code}\`: ${title}`);
            return code;
          });
        });
      const expected = errorsOf(operation).filter((code) => method !== 'get' || code !== 'invalid_json');
      expect(codes.sort()).toEqual(expected.sort());
      expect(responses['429']?.headers).toHaveProperty(['Retry-After']);
    });
  },
);

/** A parameter of a path may go by another operation's name for it: they share the path. */
function named({ path }: Operation, input: Record<string, unknown>): Record<string, unknown> {
  const own = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const { externalId, recipientId, ...others } = input;
  const shared = externalId ?? recipientId;
  return {
    ...others,
    ...(own.includes('externalId') && { externalId: shared }),
    ...(own.includes('recipientId') && { recipientId: shared }),
  };
}

test('a send lists what it refuses of its content by name', () => {
  const codes = described.get('notifications.send')?.responses['422']?.content['application/problem+json'];
  expect(codes?.schema.allOf?.at(-1)?.properties?.code.enum).toEqual(
    expect.arrayContaining(['invalid_variables', 'template_not_found', 'recipient_not_found']),
  );
});
