import { createTidings, type Tidings } from '@tidings/client';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allOperations, openTestApi, type TestApi } from '../../../../test/support/api.ts';
import { until } from '../../../../test/support/until.ts';
import { createAuthenticate } from './authenticate.ts';
import { createTokens } from './tokens.ts';

let tested: TestApi;
let tidings: Tidings;
let url: string;
let token: string;

beforeAll(async () => {
  tested = await openTestApi();
  url = (await tested.listen()).url;
  tidings = createTidings({ url, apiKey: tested.key });
  for (const externalId of ['ada', 'grace']) await tidings.recipients.upsert.mutate({ externalId });
  token = (await tidings.recipients.createToken.mutate({ recipientId: 'ada' })).token;
});
afterAll(() => tested.close());

const as = (credentials: string) => ({ authorization: `Bearer ${credentials}` });
const preferencesOf = (recipientId: string) => `/v1/recipients/${recipientId}/preferences`;

test('a token is good for a quarter of an hour, or for as long as was asked', async () => {
  const before = Date.now();
  const lifetimes = [undefined, 60, 86_400];
  for (const lifetimeSeconds of lifetimes) {
    const made = await tidings.recipients.createToken.mutate({ recipientId: 'ada', lifetimeSeconds });
    const lifetimeMs = Date.parse(made.expiresAt) - before;
    const askedMs = (lifetimeSeconds ?? 900) * 1000;
    expect(lifetimeMs).toBeGreaterThan(askedMs - 1001);
    expect(lifetimeMs).toBeLessThan(askedMs + 30_000);
  }
  for (const lifetimeSeconds of [59, 86_401, 60.5]) {
    const answer = await tested.call('POST', '/v1/recipients/ada/tokens', { lifetimeSeconds });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ pointer: '/lifetimeSeconds' }] } });
  }
  expect(await tested.call('POST', '/v1/recipients/nobody/tokens')).toMatchObject({ status: 404 });
});

describe('a recipient with its token', () => {
  test('reads and changes its own preferences, and the audit trail names it', async () => {
    const asAda = createTidings({ url, apiKey: token });
    const { recipientId } = await asAda.preferences.get.query({ recipientId: 'ada' });
    const preferences = [{ channel: 'email' as const, category: 'news', enabled: false }];
    const changed = await asAda.preferences.set.mutate({ recipientId, preferences });
    expect(changed.categories.find(({ key }) => key === 'news')?.channels[0]).toEqual({
      channel: 'email',
      enabled: false,
      source: 'recipient_category',
    });
    expect(await asAda.preferences.get.query({ recipientId: 'ada' })).toEqual(changed);
    const project = await tested.store.ensureProject({ id: 'prj_other', key: 'default' });
    const [row] = await tested.store.listAudit(project, { action: 'preferences.set', limit: 1 });
    expect(row).toMatchObject({
      actorKind: 'recipient',
      actorId: recipientId,
      target: recipientId,
      // It would outlive an erasure.
      address: '',
    });
  });

  test('finds nobody else, whether there is one or not', async () => {
    const { recipientId: grace } = await tidings.preferences.get.query({ recipientId: 'grace' });
    const answers = [];
    for (const id of ['grace', grace, 'nobody']) {
      answers.push(await tested.call('GET', preferencesOf(id), undefined, as(token)));
      answers.push(await tested.call('PUT', preferencesOf(id), { locale: 'fr' }, as(token)));
    }
    for (const { status, body } of answers) expect([status, body.code]).toEqual([404, 'not_found']);
    expect(new Set(answers.map(({ body }) => body.detail)).size).toBe(1);
    expect(await tidings.preferences.get.query({ recipientId: 'grace' })).toMatchObject({ locale: null });
  });

  test.each(
    allOperations
      .filter(({ name, access }) => access !== 'anyone' && !name.startsWith('preferences.'))
      .map(({ name, method }) => [name, method] as const),
  )('is not let into %s', async (name, method) => {
    const answer =
      method === 'GET'
        ? await tested.call('GET', `/trpc/${name}`, undefined, as(token))
        : await tested.call('POST', `/trpc/${name}`, {}, as(token));
    expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });
});

describe('worthless is', () => {
  const secret = 'a secret of more than 32 characters';
  const tokens = createTokens({ secrets: [secret] });
  const anHourAgo = createTokens({ secrets: [secret], now: () => Date.now() - 3_600_000 });
  const isGood = (credentials: string) =>
    createAuthenticate({ store: tested.store, tokens })(new Headers(as(credentials))).then(
      (principal) => principal?.kind === 'recipient',
      (error) => {
        expect(error).toMatchObject({ code: 'unauthorized' });
        return false;
      },
    );
  async function ada(): Promise<{ subject: string; projectId: string }> {
    const projectId = await tested.store.ensureProject({ id: 'prj_other', key: 'default' });
    const { recipientId } = await tidings.preferences.get.query({ recipientId: 'ada' });
    return { subject: recipientId, projectId };
  }

  test('an expired token, one under another secret, one without a signature; a good one is not', async () => {
    const claims = await ada();
    expect(await isGood((await tokens.sign('recipient', claims, 60)).token)).toBe(true);
    expect(await isGood((await anHourAgo.sign('recipient', claims, 60)).token)).toBe(false);
    expect(await isGood(token)).toBe(false);
    const said = { sub: claims.subject, prj: claims.projectId, aud: 'recipient', iss: 'tidings' };
    expect(await isGood(new UnsecuredJWT(said).setExpirationTime('1h').encode())).toBe(false);
    const foreign = new SignJWT(said).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h');
    expect(await isGood(await foreign.sign(new TextEncoder().encode(secret)))).toBe(false);
  });

  test('a token for an account, and one that names no project, another project or nobody', async () => {
    const { subject, projectId } = await ada();
    await tested.addProject('elsewhere');
    const elsewhere = await tested.store.ensureProject({ id: 'prj_none', key: 'elsewhere' });
    for (const [audience, claims] of [
      ['account', { subject, projectId }],
      ['recipient', { subject }],
      ['recipient', { subject, projectId: elsewhere }],
      ['recipient', { subject: 'rcp_nobody', projectId }],
    ] as const) {
      expect(await isGood((await tokens.sign(audience, claims, 60)).token)).toBe(false);
    }
  });

  test('a token anywhere but in its header, and a key in the place of a token', async () => {
    const inQuery = await tested.call('GET', `${preferencesOf('ada')}?access_token=${token}`, undefined, {
      authorization: '',
    });
    expect(inQuery.status).toBe(401);
    for (const credentials of [`tk_${token}`, `${token}x`, token.slice(0, -1), `.${token}`, `${token}.`]) {
      const answer = await tested.call('GET', preferencesOf('ada'), undefined, as(credentials));
      expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    }
  });

  test('the token of somebody who is gone, a few seconds later at most', async () => {
    let isLive = true;
    const store = { ...tested.store, isLiveRecipient: async () => isLive };
    const authenticate = createAuthenticate({ store, tokens, cacheMs: 50 });
    const headers = new Headers(as((await tokens.sign('recipient', await ada(), 60)).token));
    expect(await authenticate(headers)).toMatchObject({ kind: 'recipient' });
    isLive = false;
    await until(
      () =>
        authenticate(headers).then(
          () => 'let in',
          (error) => error.code,
        ),
      (code) => code === 'unauthorized',
    );
  });
});
