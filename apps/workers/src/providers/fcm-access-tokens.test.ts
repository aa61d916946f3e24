import { generateKeyPairSync } from 'node:crypto';
import type { ServiceAccount } from '@tidings/runtime';
import { afterEach, describe, expect, test } from 'vitest';
import { makeServiceAccount } from '../../../../test/support/service-account.ts';
import { startTokenEndpoint, type TokenEndpoint } from '../../../../test/support/token-endpoint.ts';
import { until } from '../../../../test/support/until.ts';
import { createAccessTokens } from './fcm-access-tokens.ts';
import { AccessTokenFailure } from './fcm-failures.ts';

const service = makeServiceAccount();
const minuteMs = 60_000;
const running: TokenEndpoint[] = [];
afterEach(async () => {
  for (const endpoint of running.splice(0)) await endpoint.stop();
});

async function endpointOf(options: Partial<Parameters<typeof startTokenEndpoint>[0]> = {}) {
  const clock = { ms: Date.now() };
  const endpoint = await startTokenEndpoint({ of: service, now: () => clock.ms, ...options });
  running.push(endpoint);
  return { endpoint, clock, now: () => clock.ms };
}

async function failureOf(promise: Promise<unknown>): Promise<AccessTokenFailure> {
  const failure = await promise.catch((error) => error);
  if (failure instanceof AccessTokenFailure) return failure;
  throw new Error(`no failure: ${String(failure)}`);
}

describe('getting a token', () => {
  test('the assertion is signed by the account’s key, for the audience that the account names', async () => {
    const { endpoint, now } = await endpointOf();
    const tokens = createAccessTokens({ account: service.account, url: endpoint.url, now });
    expect(await tokens.get()).toBe(endpoint.issued[0]);
    const [header, claims] = (endpoint.assertions[0] ?? '')
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
    const iat = Math.floor(now() / 1000);
    expect(header).toEqual({ alg: 'RS256', typ: 'JWT' });
    expect(claims).toEqual({
      iss: service.account.client_email,
      scope: 'https://www.googleapis.com/auth/firebase.messaging',
      aud: 'https://oauth2.googleapis.com/token',
      iat,
      exp: iat + 3600,
    });
  });

  test('without an URL of its own it comes from where the account says', async () => {
    const { endpoint } = await endpointOf();
    const account = { ...service.account, token_uri: endpoint.url };
    const other = await startTokenEndpoint({ of: { ...service, account } });
    running.push(other);
    const tokens = createAccessTokens({ account: { ...account, token_uri: other.url } });
    expect(await failureOf(tokens.get())).toMatchObject({ code: '400 invalid_grant' });
    expect([endpoint.requests, other.requests]).toEqual([0, 1]);
  });

  test('100 who ask at once get one token, and it is kept', async () => {
    const { endpoint, now } = await endpointOf();
    const tokens = createAccessTokens({ account: service.account, url: endpoint.url, now });
    const got = await Promise.all(Array.from({ length: 100 }, () => tokens.get()));
    expect(new Set([...got, await tokens.get()])).toEqual(new Set(endpoint.issued));
    expect(endpoint.requests).toBe(1);
  });

  test('it is replaced five minutes before its end, and meanwhile the old one is given', async () => {
    const gate = Promise.withResolvers<undefined>();
    const { endpoint, clock, now } = await endpointOf({
      answer: (count) => (count === 2 ? gate.promise : undefined),
    });
    const tokens = createAccessTokens({ account: service.account, url: endpoint.url, now });
    const first = await tokens.get();
    clock.ms += 55 * minuteMs - 1;
    expect(await tokens.get()).toBe(first);
    expect(endpoint.requests).toBe(1);
    clock.ms += 1;
    expect(await Promise.all(Array.from({ length: 20 }, () => tokens.get()))).toEqual(Array(20).fill(first));
    gate.resolve(undefined);
    const second = await until(tokens.get, (token) => token !== first);
    expect(endpoint.issued).toEqual([first, second]);
    expect(endpoint.requests).toBe(2);
  });

  test('a token that lives for a minute is not fetched anew each time', async () => {
    const { endpoint, clock, now } = await endpointOf({ lifetimeS: 60 });
    const tokens = createAccessTokens({ account: service.account, url: endpoint.url, now });
    await tokens.get();
    clock.ms += 29_000;
    await tokens.get();
    expect(endpoint.requests).toBe(1);
  });

  test('when it cannot be replaced early the old one goes on, and it is tried again later, not each time', async () => {
    const askedAt: number[] = [];
    const { endpoint, clock, now } = await endpointOf({
      answer: (count) => {
        askedAt.push(clock.ms);
        return count === 2 || count === 3 ? { status: 503 } : undefined;
      },
    });
    const tokens = createAccessTokens({ account: service.account, url: endpoint.url, now });
    const first = await tokens.get();
    clock.ms += 55 * minuteMs;
    const askEachSecond = () => {
      clock.ms += 1000;
      return tokens.get();
    };
    const second = await until(askEachSecond, (token) => token !== first);
    expect(endpoint.issued).toEqual([first, second]);
    const [, ...early] = askedAt;
    expect(early).toHaveLength(3);
    for (const [index, at] of early.slice(1).entries()) {
      expect(at - (early[index] ?? 0)).toBeGreaterThanOrEqual(30_000);
    }
  });

  test('when the old one has ended, failing is told', async () => {
    const { endpoint, clock, now } = await endpointOf({
      answer: (count) => (count > 1 ? { status: 503 } : undefined),
    });
    const tokens = createAccessTokens({ account: service.account, url: endpoint.url, now });
    await tokens.get();
    clock.ms += 60 * minuteMs;
    expect(await failureOf(tokens.get())).toMatchObject({ reason: 'provider_unavailable', code: '503' });
  });

  test('a token that was refused is not given again; an older one’s refusal leaves the new one', async () => {
    const { endpoint, now } = await endpointOf();
    const tokens = createAccessTokens({ account: service.account, url: endpoint.url, now });
    const first = await tokens.get();
    tokens.drop(first);
    const second = await tokens.get();
    tokens.drop(first);
    expect(await tokens.get()).toBe(second);
    expect(endpoint.issued).toEqual([first, second]);
  });
});

describe('when none can be had', () => {
  const unavailable = 'provider_unavailable';
  const misconfigured = 'provider_configuration';

  test.each<[what: string, answer: Parameters<typeof endpointOf>[0], expected: object]>([
    ['500', { answer: () => ({ status: 500 }) }, { reason: unavailable, code: '500' }],
    ['429', { answer: () => ({ status: 429 }) }, { reason: unavailable, code: '429' }],
    [
      '401',
      { answer: () => ({ status: 401, body: '{"error":"invalid_client"}' }) },
      { reason: misconfigured, code: '401 invalid_client' },
    ],
    ['403', { answer: () => ({ status: 403, body: 'no' }) }, { reason: misconfigured, code: '403' }],
    [
      '200 without a token',
      { answer: () => ({ status: 200, body: '{}' }) },
      { reason: unavailable, code: '200' },
    ],
    [
      '200 with null',
      { answer: () => ({ status: 200, body: 'null' }) },
      { reason: unavailable, code: '200' },
    ],
    [
      '200 with HTML',
      { answer: () => ({ status: 200, body: '<html>' }) },
      { reason: unavailable, code: '200' },
    ],
    [
      'a token that would begin another header',
      { answer: () => ({ status: 200, body: '{"access_token":"a\\r\\nx: y","expires_in":60}' }) },
      { reason: unavailable, code: '200' },
    ],
    ['a body without end', { answer: () => 'endless' }, { reason: unavailable, code: '200' }],
    ['silence', { answer: () => 'silence' }, { reason: unavailable }],
  ])('%s', async (_what, options, expected) => {
    const { endpoint, now } = await endpointOf(options);
    const tokens = createAccessTokens({ account: service.account, url: endpoint.url, now, timeoutMs: 500 });
    expect(await failureOf(tokens.get())).toMatchObject(expected);
  });

  test('an endpoint that is away makes the provider unavailable, until it is back', async () => {
    const { endpoint } = await endpointOf();
    await endpoint.stop();
    running.pop();
    const tokens = createAccessTokens({ account: service.account, url: endpoint.url });
    expect(await failureOf(tokens.get())).toMatchObject({ reason: unavailable, code: 'ECONNREFUSED' });
  });

  test('a redirect is not followed: the assertion is for one address', async () => {
    const { endpoint: elsewhere } = await endpointOf();
    const { endpoint, now } = await endpointOf({
      answer: () => ({ status: 307, headers: { location: elsewhere.url } }),
    });
    const tokens = createAccessTokens({ account: service.account, url: endpoint.url, now });
    expect(await failureOf(tokens.get())).toMatchObject({ reason: misconfigured, code: '307' });
    expect(elsewhere.requests).toBe(0);
  });

  test.each<[what: string, account: Partial<ServiceAccount>, said: RegExp]>([
    ['another account', { client_email: 'eve@example.com' }, /iss/],
    ['another audience', { token_uri: 'https://elsewhere.example/token' }, /aud/],
    ['another key', { private_key: makeServiceAccount().account.private_key }, /signature/],
  ])(
    '%s is refused: a fault of the configuration, told in the endpoint’s words',
    async (_what, wrong, said) => {
      const { endpoint, now } = await endpointOf();
      const account = { ...service.account, ...wrong };
      const tokens = createAccessTokens({ account, url: endpoint.url, now });
      const failure = await failureOf(tokens.get());
      expect(failure).toMatchObject({ reason: misconfigured, code: '400 invalid_grant' });
      expect(failure.message).toMatch(said);
    },
  );

  test('a clock that is an hour late is a fault of the configuration too', async () => {
    const { endpoint, now } = await endpointOf();
    const late = () => now() - 61 * minuteMs;
    const tokens = createAccessTokens({ account: service.account, url: endpoint.url, now: late });
    expect(await failureOf(tokens.get())).toMatchObject({ reason: misconfigured, code: '400 invalid_grant' });
  });

  test('an endpoint that quotes the assertion does not get it into the failure', async () => {
    const { endpoint, now } = await endpointOf({
      answer: () => ({ status: 400, body: endpoint.assertions.join() }),
    });
    const tokens = createAccessTokens({ account: service.account, url: endpoint.url, now });
    const failure = await failureOf(tokens.get());
    expect(endpoint.assertions[0]).toMatch(/^ey/);
    expect(`${failure.message}${failure.stack}`).not.toContain('eyJ');
  });
});

test.each<[what: string, pem: string]>([
  ['garbage', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
  [
    'a key of another kind',
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  ],
  [
    'a key too short for RS256',
    generateKeyPairSync('rsa', { modulusLength: 1024 })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString(),
  ],
])('%s is refused at once, without being shown', (_what, private_key) => {
  const account = { ...service.account, private_key };
  expect(() => createAccessTokens({ account })).toThrow(/^private_key is not a readable RSA key/);
});
