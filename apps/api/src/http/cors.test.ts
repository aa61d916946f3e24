import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allOperations, openTestApi, type TestApi } from '../../../../test/support/api.ts';
import { isForBrowsers } from './cors.ts';

const origin = 'https://app.example.com';
let tested: TestApi;

beforeAll(async () => {
  tested = await openTestApi({ env: { CORS_ORIGINS: `${origin}, https://other.example.com` } });
  await tested.call('PUT', '/v1/recipients/ada', {});
});
afterAll(() => tested.close());

const preflight = (method: string, from = origin) => ({
  authorization: '',
  origin: from,
  'access-control-request-method': method,
  'access-control-request-headers': 'authorization,content-type',
});
const corsHeadersOf = (headers: Headers) =>
  [...headers.keys()].filter((name) => /^access-control/.test(name));
const paths = ['/v1/recipients/ada/preferences', '/trpc/preferences.get', '/trpc/preferences.set'];

test('it is for the two operations that a recipient may call', () => {
  expect(
    allOperations
      .filter(isForBrowsers)
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['preferences.get', 'preferences.set']);
});

describe('a page of an allowed origin', () => {
  test.each(paths)('is let through to %s by a preflight that needs no credentials', async (path) => {
    const answer = await tested.call('OPTIONS', path, undefined, preflight('PUT'));
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    expect(answer.headers.get('access-control-allow-methods')).toContain('PUT');
    expect(answer.headers.get('access-control-allow-headers')).toBe('authorization,content-type');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  });

  test('may read the answers, those that refuse it too', async () => {
    const { body } = await tested.call('POST', '/v1/recipients/ada/tokens');
    const headers = { origin, authorization: `Bearer ${body.token}` };
    const good = await tested.call('GET', paths[0] ?? '', undefined, headers);
    const refused = await tested.call('GET', paths[0] ?? '', undefined, { origin, authorization: '' });
    const invalid = await tested.call('PUT', paths[0] ?? '', { no: 1 }, headers);
    const overTrpc = await tested.call('POST', '/trpc/preferences.set', { recipientId: 'ada' }, headers);
    expect([good.status, refused.status, invalid.status, overTrpc.status]).toEqual([200, 401, 400, 200]);
    for (const answer of [good, refused, invalid, overTrpc]) {
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
      expect(answer.headers.get('vary')?.toLowerCase()).toContain('origin');
    }
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
  });
});

describe('nothing else has CORS', () => {
  test.each(
    allOperations.filter((one) => !isForBrowsers(one)).map(({ name, method, path }) => [name, method, path]),
  )('%s', async (name, method, path) => {
    const at = path.replaceAll(/\{\w+\}/g, 'ada');
    for (const answer of [
      await tested.call('OPTIONS', at, undefined, preflight(method)),
      await tested.call('OPTIONS', `/trpc/${name}`, undefined, preflight('POST')),
      await tested.call(method, at, method === 'GET' ? undefined : {}, { origin, authorization: '' }),
    ]) {
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(corsHeadersOf(answer.headers)).toEqual([]);
    }
  });

  test.each([
    ['an origin that is not listed', 'https://evil.example.com'],
    ['the null origin', 'null'],
    ['one that only begins like it', `${origin}.evil.example`],
    ['the same host without TLS', 'http://app.example.com'],
  ])('%s', async (_, from) => {
    for (const path of paths) {
      const answer = await tested.call('OPTIONS', path, undefined, preflight('GET', from));
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(corsHeadersOf(answer.headers)).toEqual([]);
    }
    const called = await tested.call('GET', paths[0] ?? '', undefined, { origin: from });
    expect(called.status).toBe(200);
    expect(corsHeadersOf(called.headers)).toEqual([]);
  });

  test('an API that no origin was named to', async () => {
    const closed = await openTestApi();
    const answer = await closed.call('OPTIONS', paths[0] ?? '', undefined, preflight('GET'));
    expect(answer).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
    expect(corsHeadersOf(answer.headers)).toEqual([]);
    await closed.close();
  });
});
