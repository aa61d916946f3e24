import { getMessage } from '@tidings/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';
import { handOver } from '../../../../test/support/hand-over.ts';

let tested: TestApi;
let key: string;
beforeAll(async () => {
  tested = await openTestApi();
  key = await tested.addKey(['feedback']);
});
afterAll(() => tested.close());

const content = { email: { subject: 'Hi', text: 'Hello' } };

/** A message that a provider has taken. */
async function send(email = 'ada@example.com'): Promise<string> {
  const { body } = await tested.call('POST', '/v1/notifications', { to: { email }, content });
  const id = (body.messages as Array<{ id: string }>)[0]?.id ?? '';
  await handOver(tested.store, id);
  return id;
}
const report = (id: string, body: object) =>
  tested.call('POST', `/v1/messages/${id}/status`, body, { authorization: `Bearer ${key}` });
const messageOf = async (id: string) => (await tested.call('GET', `/v1/messages/${id}`)).body;

test('what an application tells of a message is on its timeline, and answered as it stands then', async () => {
  const id = await send();
  const at = '2026-01-31T08:00:00.000Z';
  const told = await report(id, { type: 'delivered', at, code: '250', response: 'Ok <ada@example.com>' });
  expect(told).toMatchObject({ status: 200, body: { id, status: 'delivered', facts: { deliveredAt: at } } });
  expect(told.text).not.toContain('ada@example.com');
  await report(id, { type: 'clicked', at: '2026-01-31T09:00:00.000Z', eventId: 'second' });
  await report(id, { type: 'clicked', at: '2026-01-31T08:30:00.000Z', eventId: 'first' });
  expect(await messageOf(id)).toMatchObject({
    status: 'delivered',
    facts: { deliveredAt: at, openedAt: null, clickedAt: '2026-01-31T08:30:00.000Z' },
    timeline: expect.arrayContaining([{ at, feedback: 'delivered', source: 'api', code: '250' }]),
  });
});

test('the same told again is on record once', async () => {
  const id = await send();
  const [byId, byInstant] = [
    { type: 'opened', eventId: 'evt-1' },
    { type: 'opened', at: '2026-01-31T08:00:00Z' },
  ];
  for (const body of [byId, byInstant, byId, byInstant]) {
    expect((await report(id, body)).status).toBe(200);
  }
  const opened = (await messageOf(id)).timeline as Array<{ feedback?: string }>;
  expect(opened.filter(({ feedback }) => feedback === 'opened')).toHaveLength(2);
});

test('told to have happened in the year before the first, it has a date that an answer may hold', async () => {
  const id = await send();
  const told = await report(id, { type: 'opened', at: '0000-01-01T00:00:00+01:00' });
  expect(told).toMatchObject({ status: 200, body: { facts: { openedAt: '1970-01-01T00:00:00.000Z' } } });
  expect(getMessage.output.safeParse(await messageOf(id))).toMatchObject({ success: true });
});

test('it is counted, and a message that is not there is not found', async () => {
  const before = (await tested.call('GET', '/metrics')).text;
  const { status } = await report(`msg_${'0'.repeat(32)}`, { type: 'opened' });
  expect(status).toBe(404);
  await report(await send(), { type: 'complained' });
  const counted = (result: string, type: string) =>
    `tidings_feedback_total{type="${type}",source="api",result="${result}"} 1`;
  const { text } = await tested.call('GET', '/metrics');
  for (const line of [counted('unknown', 'opened'), counted('recorded', 'complained')]) {
    expect(text).toContain(line);
    expect(before).not.toContain(line);
  }
});

test('needs its own scope', async () => {
  const id = await send();
  const sender = await tested.addKey(['send', 'read', 'manage']);
  const refused = await tested.call(
    'POST',
    `/v1/messages/${id}/status`,
    { type: 'delivered' },
    { authorization: `Bearer ${sender}` },
  );
  expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
});
