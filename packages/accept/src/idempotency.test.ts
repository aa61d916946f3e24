import { createTidings } from '@tidings/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../test/support/api.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

const welcome = (name: string) => ({
  to: { email: 'ada@example.com' },
  template: 'welcome_email',
  data: { name, link: 'https://example.com/' },
});
const send = (body: unknown, key: string, headers: Record<string, string> = {}) =>
  tested.call('POST', '/v1/notifications', body, { 'idempotency-key': key, ...headers });

async function countOf(name: string): Promise<number> {
  const { body } = await tested.call('GET', '/v1/notifications?limit=100');
  return (body.items as Array<{ metadata: { test?: string } }>).filter(
    ({ metadata }) => metadata.test === name,
  ).length;
}

test('100 equal requests at once make one notification and get 100 equal answers', async () => {
  const body = { ...welcome('Ada'), metadata: { test: 'hundred' } };
  const answers = await Promise.all(Array.from({ length: 100 }, () => send(body, 'hundred')));
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  expect(answers[0]?.status).toBe(202);
  const replayed = answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true');
  expect(replayed).toHaveLength(99);
  expect(await countOf('hundred')).toBe(1);
});

test('REST and tRPC share the keys: equal requests over both make one notification', async () => {
  const server = await tested.listen();
  const tidings = createTidings({ url: server.url, apiKey: tested.key });
  const body = { ...welcome('Ada'), metadata: { test: 'mixed' } };
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, index) =>
      index % 2 === 0
        ? (await send(body, 'mixed')).body
        : tidings.notifications.send.mutate({ ...body, idempotencyKey: 'mixed' }),
    ),
  );
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(await countOf('mixed')).toBe(1);
});

test('the same key with another request is refused with 422 and changes nothing', async () => {
  const first = await send(welcome('Ada'), 'reused');
  const other = await send(welcome('Grace'), 'reused');
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  expect((await send(welcome('Ada'), 'reused')).body).toEqual(first.body);
});

test('of two different requests at once with one key exactly one is accepted', async () => {
  const answers = await Promise.all(['Ada', 'Grace'].map((name) => send(welcome(name), 'race')));
  expect(answers.map(({ status }) => status).sort()).toEqual([202, 422]);
});

test('the order of fields and defaults that are spelled out do not make another request', async () => {
  const first = await send(welcome('Ada'), 'order');
  const reordered =
    '{"metadata":{},"lane":"normal","data":{"link":"https://example.com/","name":"Ada"},' +
    '"template":"welcome_email","to":{"email":"ada@example.com"}}';
  const second = await send(reordered, 'order');
  expect(second.body).toEqual(first.body);
  expect(second.headers.get('idempotent-replayed')).toBe('true');
});

test('quotes around the key are not part of it', async () => {
  const first = await send(welcome('Ada'), 'quoted');
  expect((await send(welcome('Ada'), '"quoted"')).body).toEqual(first.body);
});

test('a key belongs to its project: another one may use it for another request', async () => {
  const authorization = `Bearer ${await tested.addProject('other')}`;
  const ours = await send(welcome('Ada'), 'tenant');
  const theirs = await send(welcome('Grace'), 'tenant', { authorization });
  expect(theirs.status).toBe(202);
  expect(theirs.headers.get('idempotent-replayed')).toBeNull();
  expect(theirs.body.id).not.toBe(ours.body.id);
});

test('a refused request leaves its key free', async () => {
  expect((await send({ ...welcome('Ada'), data: {} }, 'free')).status).toBe(422);
  expect((await send({ ...welcome('Ada'), lane: 'nope' }, 'free')).status).toBe(400);
  const good = await send(welcome('Ada'), 'free');
  expect(good.status).toBe(202);
  expect(good.headers.get('idempotent-replayed')).toBeNull();
});

test('over REST the key is refused in the body', async () => {
  const answer = await tested.call('POST', '/v1/notifications', { ...welcome('Ada'), idempotencyKey: 'k' });
  expect(answer).toMatchObject({
    status: 400,
    body: { code: 'invalid_request', errors: [{ pointer: '/idempotencyKey' }] },
  });
});

test('without a key two equal requests are two notifications', async () => {
  const [one, two] = await Promise.all(
    [1, 2].map(() => tested.call('POST', '/v1/notifications', welcome('Ada'))),
  );
  expect(one?.body.id).not.toBe(two?.body.id);
});

test.each([
  ['empty', ''],
  ['empty within quotes', '""'],
  ['256 characters', 'k'.repeat(256)],
  ['a space', 'a b'],
  ['a letter beyond ASCII', 'clé'],
  ['a control character', 'a\u007fb'],
])('a key that is not usable is refused: %s', async (_, key) => {
  const answer = await send(welcome('Ada'), key);
  expect(answer).toMatchObject({
    status: 400,
    body: { code: 'invalid_idempotency_key', errors: [{ pointer: '/idempotencyKey' }] },
  });
});

test('a key of 255 characters is good', async () => {
  expect((await send(welcome('Ada'), 'k'.repeat(255))).status).toBe(202);
});

test('two keys in one request are refused', async () => {
  const request = new Request('http://tidings.test/v1/notifications', {
    method: 'POST',
    body: JSON.stringify(welcome('Ada')),
    headers: { authorization: `Bearer ${tested.key}`, 'content-type': 'application/json' },
  });
  request.headers.append('idempotency-key', 'one');
  request.headers.append('idempotency-key', 'two');
  expect((await tested.api.fetch(request)).status).toBe(400);
});

test('bulk items share the keys of single sends, and two equal items of one request are one', async () => {
  const first = await send(welcome('Ada'), 'shared');
  const item = { ...welcome('Ada'), idempotencyKey: 'shared' };
  const twin = { ...welcome('Ada'), idempotencyKey: 'twin' };
  const other = { ...welcome('Grace'), idempotencyKey: 'twin' };
  const { body } = await tested.call('POST', '/v1/notifications/bulk', { items: [item, twin, twin, other] });
  const items = body.items as Array<{ index: number; id?: string; error?: { code: string } }>;
  expect(items[0]?.id).toBe(first.body.id);
  expect(items[1]?.id).toBeDefined();
  expect(items[2]?.id).toBe(items[1]?.id);
  expect(items[3]?.error?.code).toBe('idempotency_key_reused');
});

test('one key for a whole bulk request is refused, not dropped', async () => {
  const items = [welcome('Ada')];
  const answer = await tested.call('POST', '/v1/notifications/bulk', { items }, { 'idempotency-key': 'all' });
  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_idempotency_key' } });
});

test('an equal request gets the first answer even when it would be refused by now', async () => {
  const expiresAt = new Date(Date.now() + 250).toISOString();
  const body = { ...welcome('Ada'), expiresAt };
  const first = await send(body, 'late');
  expect(first.status).toBe(202);
  await expect.poll(() => Date.now() > Date.parse(expiresAt)).toBe(true);
  expect((await send(body, 'late')).body).toEqual(first.body);
});

test('a key survives a restart', async () => {
  const first = await send(welcome('Ada'), 'restart');
  tested = await tested.restart();
  const again = await send(welcome('Ada'), 'restart');
  expect(again.body).toEqual(first.body);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect((await send(welcome('Grace'), 'restart')).status).toBe(422);
});
