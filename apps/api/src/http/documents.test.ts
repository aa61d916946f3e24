import { receiveProviderEvents } from '@tidings/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allOperations, openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

const anonymous = { authorization: '' };
interface DescribedOperation {
  operationId: string;
  description?: string;
  security?: Array<Record<string, unknown[]>>;
  responses: Record<string, { content: Record<string, unknown> }>;
  parameters?: Array<{ name: string; in: string; required?: boolean; schema: { type: string } }>;
}

async function openApi() {
  const { text } = await tested.call('GET', '/openapi.json', undefined, anonymous);
  return JSON.parse(text) as {
    openapi: string;
    info: { title: string; version: string };
    paths: Record<string, Record<string, DescribedOperation>>;
    security: Array<Record<string, unknown[]>>;
    components: { securitySchemes: Record<string, { bearerFormat?: string }> };
  };
}

test.each(['/health', '/health/', '/ready', '/metrics', '/openapi.json', '/docs', '/docs/'])(
  '%s answers without a key',
  async (path) => {
    expect((await tested.call('GET', path, undefined, anonymous)).status).toBe(200);
  },
);

test('health says ok, and readiness names what it looked at', async () => {
  expect((await tested.call('GET', '/health')).body).toEqual({ status: 'ok' });
  expect((await tested.call('GET', '/ready')).body).toMatchObject({ checks: { database: 'ok' } });
});

const shapeOf = (path: string) => path.replaceAll(/\{\w+\}/g, '{}');

/** Every operation, and what is served beside them. */
const allRoutes = [...allOperations, receiveProviderEvents];

test('the OpenAPI document holds every operation and nothing else, at paths with their /v1', async () => {
  const { openapi, paths } = await openApi();
  expect(openapi).toMatch(/^3\.1\./);
  const found = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, { operationId }]) => `${operationId} ${method.toUpperCase()} ${shapeOf(path)}`,
    ),
  );
  const declared = allRoutes.map(({ name, method, path }) => `${name} ${method} ${shapeOf(path)}`);
  expect(found.sort()).toEqual(declared.sort());
  expect(Object.keys(paths).every((path) => path.startsWith('/v1/'))).toBe(true);
});

test('no two paths of the document differ only in the names of their parameters', async () => {
  const shapes = Object.keys((await openApi()).paths).map(shapeOf);
  expect(new Set(shapes).size).toBe(shapes.length);
});

test('every operation of the document describes its success and its errors, and its path parameters', async () => {
  const { paths } = await openApi();
  for (const [path, methods] of Object.entries(paths)) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const { operationId, parameters = [], responses } of Object.values(methods)) {
      const { status } = allRoutes.find(({ name }) => name === operationId) ?? {};
      const statuses = Object.keys(responses);
      expect(statuses.filter((one) => one < '400')).toEqual([String(status)]);
      expect(responses.default?.content).toHaveProperty(['application/problem+json']);
      const inPath = parameters.filter((parameter) => parameter.in === 'path');
      expect(inPath.map(({ name }) => name)).toEqual(named);
      expect(inPath.every(({ required, schema }) => required && schema.type === 'string')).toBe(true);
    }
  }
});

test('the document says of every operation whose credentials it takes, and what they must allow', async () => {
  const { paths, security: forAll, components } = await openApi();
  expect(Object.keys(components.securitySchemes)).toEqual(['apiKey', 'account']);
  expect(components.securitySchemes.account?.bearerFormat).toBe('JWT');
  const described = Object.values(paths).flatMap((methods) => Object.values(methods));
  for (const { operationId, security = forAll, description } of described) {
    const { access } = allOperations.find(({ name }) => name === operationId) ?? {};
    const schemes = security.flatMap((scheme) => Object.keys(scheme));
    if (access === undefined || access === 'anyone') expect(schemes, operationId).toEqual([]);
    else if ('role' in access) {
      expect(schemes, operationId).toEqual(['account']);
      expect(description).toContain(`\`${access.role}\``);
    } else {
      expect(schemes, operationId).toEqual(['apiKey', 'account']);
      expect(description).toContain(`\`${access.scope}\``);
    }
  }
});

test('every reference of the document leads somewhere', async () => {
  const document = await openApi();
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, to]) => to ?? '');
  expect(references.length).toBeGreaterThan(0);
  for (const reference of new Set(references)) {
    const place = reference
      .split('/')
      .slice(1)
      .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
    expect(place, reference).toBeDefined();
  }
});

test('the docs page loads only files of ours, and they are there', async () => {
  const page = await tested.call('GET', '/docs', undefined, anonymous);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.text).not.toMatch(/https?:|["'(]\/\//);
  const loaded = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, to]) => to ?? '');
  expect(loaded).toContain('/docs/swagger-ui-bundle.js');
  for (const path of loaded) {
    const asset = await tested.call('GET', path, undefined, anonymous);
    expect(asset.status, path).toBe(200);
    expect(asset.text.length, path).toBeGreaterThan(20);
  }
  expect((await tested.call('GET', '/docs/start.js')).text).toContain("'/openapi.json'");
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
});

test.each(['/docs/package.json', '/docs/..%2fpackage.json', '/docs/constructor', '/docs/%00'])(
  '%s is no file of the docs',
  async (path) => {
    expect(await tested.call('GET', path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  },
);

test('a record that cannot be read makes it unready, with a problem document that says which part', async () => {
  const broken = await openTestApi({
    changeStore: () => ({ readSequence: () => Promise.reject(new Error('disk I/O error')) }),
  });
  const answer = await broken.call('GET', '/ready');
  expect(answer.status).toBe(503);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.body).toMatchObject({ code: 'unavailable', checks: { database: 'does not answer' } });
  await broken.close();
});
