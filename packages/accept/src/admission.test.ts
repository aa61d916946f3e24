import { afterEach, expect, test } from 'vitest';
import { openTestApi, type TestApi, type TestApiOptions } from '../../../test/support/api.ts';
import { until } from '../../../test/support/until.ts';

let tested: TestApi;
afterEach(() => tested.close());

const message = { to: { email: 'ada@example.com' }, content: { email: { subject: 's', text: 't' } } };
const send = (key?: string) =>
  tested.call('POST', '/v1/notifications', message, key === undefined ? {} : { 'idempotency-key': key });

const roomIs = (wanted: RegExp) =>
  until(
    async () => ((await tested.call('GET', '/ready')).body.checks as { room: string }).room,
    (room) => wanted.test(room),
  );

async function open(env: TestApiOptions['env']) {
  tested = await openTestApi({ env });
}

test('with a full backlog sends are refused with 503 and Retry-After, everything else goes on', async () => {
  await open({ MAX_BACKLOG: '2' });
  const [first] = [await send('first'), await send(), await send()];
  expect(first.status).toBe(202);
  await roomIs(/more than 2 messages wait/);
  expect(await tested.call('GET', '/ready')).toMatchObject({ status: 200, body: { status: 'degraded' } });

  const refused = await send('new');
  expect(refused).toMatchObject({ status: 503, body: { code: 'overloaded' } });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  const bulk = await tested.call('POST', '/v1/notifications/bulk', { items: [message] });
  expect([bulk.status, bulk.headers.get('retry-after')]).toEqual([503, '30']);
  const trpc = await tested.call('POST', '/trpc/notifications.send', message);
  expect(trpc).toMatchObject({ status: 503, body: { error: { data: { code: expect.any(String) } } } });

  const again = await send('first');
  expect([again.status, again.body]).toEqual([202, first.body]);
  expect((await tested.call('GET', `/v1/notifications/${first.body.id}`)).status).toBe(200);

  await tested.call('POST', `/v1/notifications/${first.body.id}/cancel`);
  await roomIs(/^ok$/);
  expect((await send('new')).status).toBe(202);
});

test('with too little disk sends are refused before anything is half stored', async () => {
  await open({ MIN_FREE_DISK_MB: '999999999' });
  await roomIs(/of disk are free/);
  expect(await send()).toMatchObject({ status: 503, body: { code: 'overloaded' } });
});

test('with nothing set any number may wait', async () => {
  await open({});
  const items = Array.from({ length: 500 }, () => message);
  expect((await tested.call('POST', '/v1/notifications/bulk', { items })).status).toBe(202);
  await roomIs(/^ok$/);
  expect((await send()).status).toBe(202);
});
