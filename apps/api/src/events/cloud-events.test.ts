import { CloudEvent, HTTP } from 'cloudevents';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

const structured = 'application/cloudevents+json';
const batch = 'application/cloudevents-batch+json';
const post = (path: string, body: unknown, headers: Record<string, string>) =>
  tested.call('POST', path, typeof body === 'string' ? body : JSON.stringify(body), headers);
const postOne = (event: unknown) => post('/v1/events', event, { 'content-type': structured });
const postBatch = (events: unknown) => post('/v1/events/bulk', events, { 'content-type': batch });
const eventOf = async ({ body }: { body: Record<string, unknown> }) =>
  (await tested.call('GET', `/v1/events/${body.id}`)).body;

let made = 0;
const newId = () => {
  made += 1;
  return `ce-${made}`;
};
const good = (given: object = {}) => ({
  specversion: '1.0',
  id: newId(),
  source: '/orders',
  type: 'order.created',
  ...given,
});
/** The same attributes as headers. */
const asHeaders = (attributes: object) =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, String(value)]));

describe('what the official library makes', () => {
  const made = (id: string) =>
    new CloudEvent({
      id,
      source: 'https://shop.example/orders',
      type: 'com.example.order_created',
      subject: 'user-42',
      time: '2026-01-31T08:00:00.000Z',
      dataschema: 'https://shop.example/schemas/order',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      data: { orderId: '1042' },
    });
  const expected = {
    source: 'https://shop.example/orders',
    type: 'com.example.order_created',
    subject: 'user-42',
    occurredAt: '2026-01-31T08:00:00.000Z',
    data: { orderId: '1042' },
  };

  test.each([
    ['structured', HTTP.structured],
    ['binary', HTTP.binary],
  ])('is published in %s mode', async (mode, serialize) => {
    const { headers, body } = serialize(made(`library-${mode}`));
    const answer = await post('/v1/events', body, headers as Record<string, string>);
    expect(answer).toMatchObject({ status: 202, body: { externalId: `library-${mode}` } });
    expect(await eventOf(answer)).toMatchObject({ externalId: `library-${mode}`, ...expected });
  });

  test('is one event in either mode and in a batch, for source and id are what it is known by', async () => {
    const event = made('library-once');
    const answers = [];
    for (const { headers, body } of [HTTP.structured(event), HTTP.binary(event)]) {
      answers.push(await post('/v1/events', body, headers as Record<string, string>));
    }
    expect(answers[1]).toMatchObject({ status: 202, body: answers[0]?.body });
    expect(answers[1]?.headers.get('idempotent-replayed')).toBe('true');
    const { body } = await postBatch([event.toJSON()]);
    expect(body.items).toEqual([{ index: 0, ...answers[0]?.body }]);
  });
});

test('attributes that are null are not there, those of extensions are left out, and no data is no data', async () => {
  const answer = await postOne(good({ subject: null, time: null, datacontenttype: null, tenant: 'a' }));
  expect(answer.status, answer.text).toBe(202);
  expect(await eventOf(answer)).toMatchObject({ subject: null, data: {} });
  const bare = await tested.call('POST', '/v1/events', undefined, asHeaders(good()));
  expect(bare.status, bare.text).toBe(202);
  expect(await eventOf(bare)).toMatchObject({ source: '/orders', data: {} });
});

test('headers are taken out of their quotes, and decoded once', async () => {
  const headers = {
    ...asHeaders(good()),
    'ce-subject': '"a \\"quoted\\" %E2%82%AC %2525"',
    'ce-source': '/%E2%82%AC/euro',
  };
  const answer = await post('/v1/events', { a: 1 }, headers);
  expect(answer.status, answer.text).toBe(202);
  expect(await eventOf(answer)).toMatchObject({ subject: 'a "quoted" € %25', source: '/€/euro' });
});

const json = { 'content-type': 'application/json' };

test.each([
  ['another version', good({ specversion: '0.3' }), '/specversion'],
  ['no version', { ...good(), specversion: undefined }, '/specversion'],
  ['no id', { ...good(), id: undefined }, '/id'],
  ['no source', { ...good(), source: undefined }, '/source'],
  ['an empty source', good({ source: '' }), '/source'],
  ['no type', { ...good(), type: undefined }, '/type'],
  ['a type that is none of ours', good({ type: 'order created' }), '/type'],
  ['an id of ours', good({ id: 'evt_1' }), '/id'],
  ['a time that is none', good({ time: 'yesterday' }), '/time'],
  ['data that is a list', good({ data: [1] }), '/data'],
  ['data that is null', good({ data: null }), '/data'],
  ['data that is text', good({ data: '<order/>', datacontenttype: 'text/xml' }), '/datacontenttype'],
  ['binary data', good({ data_base64: 'AAAA' }), '/data_base64'],
])('an event with %s is refused, with the place', async (_, event, pointer) => {
  const answer = await postOne(event);
  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_cloud_event' } });
  expect((answer.body.errors as Array<{ pointer: string }>).map((error) => error.pointer)).toContain(pointer);
});

test.each([
  ['no version', { ...asHeaders(good()), 'ce-specversion': '' }, '/specversion'],
  ['what is no percent-encoding', { ...asHeaders(good()), 'ce-subject': '%zz' }, '/subject'],
  ['what is no UTF-8', { ...asHeaders(good()), 'ce-subject': '%ff' }, '/subject'],
  ['what was to be encoded', { ...asHeaders(good()), 'ce-subject': 'é' }, '/subject'],
  ['a line break', { ...asHeaders(good()), 'ce-subject': 'a%0D%0Ab' }, '/subject'],
  ['an id alone', { 'ce-id': 'x' }, '/source'],
])('headers with %s are refused, with the place', async (_, headers, pointer) => {
  const answer = await post('/v1/events', {}, { ...json, ...headers });
  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_cloud_event' } });
  expect((answer.body.errors as Array<{ pointer: string }>).map((error) => error.pointer)).toContain(pointer);
});

test('the body is read as every other: what no record may hold is refused, and so is another type of it', async () => {
  for (const type of [structured, 'application/json']) {
    const headers = { ...asHeaders(good()), 'content-type': type };
    for (const text of [
      `{"a":${'['.repeat(50_000)}`,
      '{"data":{"__proto__":1}}',
      '{"a":1,"a":2}',
      'nothing',
    ]) {
      expect((await post('/v1/events', text, headers)).body.code).toBe('invalid_json');
    }
  }
  const headers = asHeaders(good());
  expect((await post('/v1/events', '<a/>', { ...headers, 'content-type': 'text/xml' })).status).toBe(415);
  expect((await post('/v1/events', '[]', { 'content-type': batch })).status).toBe(415);
  expect((await post('/v1/events/bulk', good(), { 'content-type': structured })).status).toBe(415);
  expect((await post('/v1/notifications', good(), { 'content-type': structured })).status).toBe(415);
  const large = good({ data: { a: 'a'.repeat(1_100_000) } });
  expect((await postOne(large)).status).toBe(413);
});

test('a batch has a result for each, and one that is none does not spoil the others', async () => {
  const event = good({ data: { orderId: '1' } });
  const bad = { ...good(), source: undefined };
  const { status, body } = await postBatch([event, bad, 'nothing', event, { type: 'order.created' }]);
  expect(status).toBe(202);
  const items = body.items as Array<{ id?: string; error?: { code: string; errors?: unknown } }>;
  expect(items.map(({ error }) => error?.code)).toEqual([
    undefined,
    'invalid_cloud_event',
    'invalid_cloud_event',
    undefined,
    'invalid_cloud_event',
  ]);
  expect(items[1]?.error?.errors).toMatchObject([{ pointer: '/source' }]);
  expect(items[3]?.id).toBe(items[0]?.id);
  for (const other of [{}, { items: [event] }]) {
    expect((await postBatch(other)).body.code).toBe('invalid_cloud_event');
  }
  expect((await postBatch([])).body.code).toBe('invalid_request');
  expect((await postBatch(Array(1001).fill(event))).body.code).toBe('invalid_request');
});

test('what is refused of any event is refused of these', async () => {
  expect((await postOne(good({ type: 'message.sent' }))).body.code).toBe('reserved_event_type');
  const event = good();
  await postOne(event);
  expect((await postOne({ ...event, data: { other: 1 } })).body.code).toBe('event_id_reused');
  await tested.call('PUT', '/v1/event-types/strict', { schema: { required: ['orderId'] } });
  expect((await postOne(good({ type: 'strict' }))).body).toMatchObject({
    code: 'invalid_event_data',
    errors: [{ pointer: '/data/orderId' }],
  });
});
