import { sendManyOutput } from '@tidings/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

const data = { name: 'Ada', link: 'https://example.com/' };
const good = { to: { email: 'ada@example.com' }, template: 'welcome_email', data };
const bulk = (items: unknown, api = tested) => api.call('POST', '/v1/notifications/bulk', { items });

test('one bad item does not spoil the others: each gets its result, in the order of the request', async () => {
  const items = [
    good,
    { ...good, lane: 'nope', to: { email: 'not an address' } },
    { ...good, template: 'unknown_template' },
    { ...good, to: { recipientId: 'nobody' } },
    { ...good, data: { name: 'Ada' } },
    { to: good.to, content: { email: { subject: '{{ name', text: 'x' } } },
    { ...good, channels: ['push'] },
    { ...good, expiresAt: '2020-01-01T00:00:00Z' },
    'not even an object',
    null,
    good,
  ];
  const answer = await bulk(items);
  expect(answer.status).toBe(202);
  const results = sendManyOutput.parse(answer.body).items;
  expect(results.map(({ index }) => index)).toEqual(items.map((_, index) => index));
  expect(results.map((result) => ('error' in result ? result.error.code : result.status))).toEqual([
    'accepted',
    'invalid_request',
    'template_not_found',
    'recipient_not_found',
    'invalid_variables',
    'invalid_template',
    'channel_without_content',
    'invalid_time',
    'invalid_request',
    'invalid_request',
    'accepted',
  ]);
  const pointers = results.map(
    (result) => 'error' in result && result.error.errors?.map(({ pointer }) => pointer),
  );
  expect(pointers[1]).toEqual(['/to/email', '/lane']);
  expect(pointers[4]).toEqual(['/data/link']);
  expect(pointers[5]).toEqual(['/content/email/subject']);
});

test('1,000 items are accepted in one request, each with an id of its own', async () => {
  const { status, body } = await bulk(Array.from({ length: 1000 }, () => good));
  expect(status).toBe(202);
  const ids = (body.items as Array<{ id: string }>).map(({ id }) => id);
  expect(new Set(ids).size).toBe(1000);
  expect((await tested.call('GET', `/v1/notifications/${ids[999]}`)).status).toBe(200);
});

test.each([
  ['1,001 items', Array.from({ length: 1001 }, () => good)],
  ['no item', []],
  ['no list', { 0: good }],
])('%s: refused as a whole', async (_, items) => {
  expect(await bulk(items)).toMatchObject({
    status: 400,
    body: { code: 'invalid_request', errors: [{ pointer: '/items' }] },
  });
});

test('a bulk body may be larger than a single one, and has a limit too', async () => {
  const withFiller = (bytes: number) => [{ ...good, data: { ...data, filler: 'x'.repeat(bytes) } }];
  expect((await bulk(withFiller(2_000_000))).status).toBe(202);
  expect(await bulk(withFiller(10_500_000))).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
});

test('an item that the record refuses for reasons of its own fails alone', async () => {
  const api = await openTestApi({
    changeStore: (store) => ({
      accept: async (items) => {
        if (items.some(({ notification }) => notification.locale === 'xx'))
          throw new Error('constraint failed');
        return store.accept(items);
      },
    }),
  });
  const { status, body } = await bulk([good, { ...good, locale: 'xx' }, good], api);
  expect(status).toBe(202);
  expect(body.items).toMatchObject([
    { status: 'accepted' },
    { error: { code: 'internal' } },
    { status: 'accepted' },
  ]);
  await api.close();
});

test('while nothing can be stored the whole request is refused with 503, to be repeated', async () => {
  const release = await tested.lockRecord();
  const answer = await bulk([good, good]);
  await release();
  expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await bulk([good])).status).toBe(202);
});
