import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

let made = 0;
const newName = (prefix: string) => {
  made += 1;
  return `${prefix}-${made}`;
};
const publish = (body: unknown, headers?: Record<string, string>) =>
  tested.call('POST', '/v1/events', body, headers);
const publishMany = (items: unknown[]) => tested.call('POST', '/v1/events/bulk', { items });
/** A type of its own for each test. */
async function declared(schema: object): Promise<string> {
  const type = newName('order');
  const answer = await tested.call('PUT', `/v1/event-types/${type}`, { schema });
  expect(answer.status, answer.text).toBe(200);
  return type;
}
const rowsOf = (externalId: string) =>
  tested.query(`SELECT id FROM events WHERE external_id = '${externalId}'`);

test('what was published is on record as it was given, under our id and the publisher’s', async () => {
  const id = newName('order');
  const given = {
    type: 'order.created',
    id,
    subject: 'user-42',
    occurredAt: '2026-01-31T08:00:00+01:00',
    data: { orderId: '1042', items: [{ sku: 'ü' }] },
  };
  const { status, body, headers } = await publish(given);
  expect(status).toBe(202);
  expect(body).toEqual({
    id: expect.stringMatching(/^evt_/),
    externalId: id,
    type: 'order.created',
    status: 'accepted',
  });
  expect(headers.get('location')).toBe(`/v1/events/${body.id}`);
  expect(headers.get('idempotent-replayed')).toBeNull();
  for (const name of [id, String(body.id)]) {
    const found = await tested.call('GET', `/v1/events/${name}`);
    expect(found.body).toMatchObject({
      id: body.id,
      externalId: id,
      source: null,
      origin: 'application',
      type: 'order.created',
      subject: 'user-42',
      occurredAt: '2026-01-31T07:00:00.000Z',
      data: given.data,
      copies: [],
      fannedOutAt: null,
    });
  }
});

test('a list is by type, subject and origin, newest first and in pages, with a line for each consumer', async () => {
  const type = newName('listed');
  const ids: unknown[] = [];
  for (const subject of ['a', 'b', 'a']) ids.unshift((await publish({ type, subject })).body.id);
  const list = async (query: string) => (await tested.call('GET', `/v1/events?type=${type}${query}`)).body;
  const idsOf = ({ items }: Record<string, unknown>) => (items as Array<{ id: string }>).map(({ id }) => id);
  const first = await list('&limit=2');
  expect(idsOf(first)).toEqual(ids.slice(0, 2));
  expect(idsOf(await list(`&limit=2&after=${first.after}`))).toEqual(ids.slice(2));
  expect(idsOf(await list('&subject=a&origin=application'))).toEqual([ids[0], ids[2]]);
  expect(idsOf(await list('&origin=tidings'))).toEqual([]);

  await tested.query(`INSERT INTO subscriptions (id, project_id, name, kind, types, of_happenings, settings, status,
    created_at, updated_at) SELECT 'sub_1', project_id, 'stock', 'queue', '[]', 0, '{}', 'active', 0, 0
    FROM events WHERE id = '${ids[0]}'`);
  await tested.query(`INSERT INTO copies (id, event_id, subscription_id, project_id, status, due_at, attempt,
    notification_id, created_at, ended_at) SELECT 'cpy_1', id, 'sub_1', project_id, 'delivered', 0, 1,
    'ntf_1', 0, 1 FROM events WHERE id = '${ids[0]}'`);
  const line = {
    subscription: 'stock',
    kind: 'queue',
    status: 'delivered',
    attempt: 1,
    notificationId: 'ntf_1',
    dueAt: null,
  };
  const shown = (await list('')).items as Array<{ copies: unknown[] }>;
  expect(shown.map(({ copies }) => copies)).toEqual([[expect.objectContaining(line)], [], []]);
  expect((await tested.call('GET', `/v1/events/${ids[0]}`)).body.copies).toMatchObject([line]);
});

describe('a repeat', () => {
  test('100 equal publishes at once make one event and get 100 equal answers', async () => {
    const id = newName('order');
    // The same, however it is written.
    const texts = [
      JSON.stringify({
        type: 'order.created',
        id,
        data: { a: 1, b: [2] },
        occurredAt: '2026-01-01T00:00:00Z',
      }),
      `{"occurredAt":"2026-01-01T01:00:00+01:00","data":{"b":[2],"a":1},"id":"${id}","type":"order.created"}`,
    ];
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => publish(texts[index % 2])));
    const [first] = answers;
    for (const { status, body, headers } of answers) {
      expect(status).toBe(202);
      expect(body).toEqual(first?.body);
      expect(headers.get('location')).toBe(`/v1/events/${first?.body.id}`);
    }
    const replayed = answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true');
    expect(replayed).toHaveLength(99);
    expect(await rowsOf(id)).toHaveLength(1);
  });

  test.each([
    ['data', { data: { other: true } }],
    ['type', { type: 'order.paid' }],
    ['subject', { subject: 'other' }],
    ['time', { occurredAt: '2026-01-01T00:00:00Z' }],
  ])('with another %s is refused', async (_, other) => {
    const id = newName('order');
    const given = { type: 'order.created', id, data: { total: 1 } };
    expect((await publish(given)).status).toBe(202);
    expect(await publish({ ...given, ...other })).toMatchObject({
      status: 422,
      body: { code: 'event_id_reused' },
    });
    expect(await rowsOf(id)).toHaveLength(1);
  });

  test('the same id of another source is another event', async () => {
    const id = newName('order');
    const answers = [await publish({ type: 'x', id }), await publish({ type: 'x', id, source: '/orders' })];
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(2);
    const found = await tested.call('GET', `/v1/events/${id}?source=%2Forders`);
    expect(found.body).toMatchObject({ id: answers[1]?.body.id, source: '/orders' });
  });

  test('gets the first answer though its type is stricter by now, and what is another request is told so', async () => {
    const type = await declared({ type: 'object' });
    const id = newName('order');
    const { body } = await publish({ type, id });
    await tested.call('PUT', `/v1/event-types/${type}`, { schema: { required: ['orderId'] } });
    const again = await publish({ type, id });
    expect(again).toMatchObject({ status: 202, body });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect((await publish({ type, id, data: { other: 1 } })).body.code).toBe('event_id_reused');
    expect((await publish({ type })).body.code).toBe('invalid_event_data');
  });
});

describe('a declared type', () => {
  test('refuses data that does not fit, with the place of each fault', async () => {
    const type = await declared({
      required: ['orderId'],
      properties: { orderId: {}, items: { items: { properties: { count: { type: 'integer' } } } } },
      additionalProperties: false,
    });
    const { status, body } = await publish({
      type,
      data: { items: [{ count: 1 }, { count: 'two' }], extra: 1 },
    });
    expect([status, body.code]).toEqual([422, 'invalid_event_data']);
    expect(body.errors).toEqual(
      expect.arrayContaining([
        { pointer: '/data/orderId', detail: 'is required by the type of event' },
        { pointer: '/data/items/1/count', detail: 'must be integer' },
        { pointer: '/data/extra', detail: 'is not a field of the type of event' },
      ]),
    );
    expect((await publish({ type, data: { orderId: '1' } })).status).toBe(202);
  });

  test('holds at once here and within two seconds elsewhere, until it is taken back', async () => {
    const type = await declared({ required: ['orderId'] });
    const beside = tested.openBeside();
    expect((await beside('POST', '/v1/events', { type })).body.code).toBe('invalid_event_data');
    expect((await tested.call('DELETE', `/v1/event-types/${type}`)).body).toEqual({ type });
    expect((await publish({ type })).status).toBe(202);
    expect((await tested.call('DELETE', `/v1/event-types/${type}`)).status).toBe(404);
  });

  test('is described without a schema, changed field by field, and shown in a list', async () => {
    const type = newName('described');
    const put = (body: object) => tested.call('PUT', `/v1/event-types/${type}`, body);
    expect((await put({ description: 'An order' })).body).toMatchObject({
      description: 'An order',
      schema: null,
    });
    await put({ schema: { type: 'object' } });
    const { items } = (await tested.call('GET', '/v1/event-types')).body;
    expect(items).toContainEqual(
      expect.objectContaining({ type, description: 'An order', schema: { type: 'object' } }),
    );
    const audit = await tested.call('GET', `/v1/audit?target=${type}`);
    expect(audit.body.items).toMatchObject([
      { action: 'eventTypes.upsert', fields: ['schema'] },
      { action: 'eventTypes.upsert', fields: ['description'] },
    ]);
  });

  test.each([
    ['another draft', { $schema: 'http://json-schema.org/draft-04/schema#' }, '/schema/$schema'],
    ['a reference to elsewhere', { properties: { a: { $ref: 'https://x/y' } } }, '/schema/properties/a/$ref'],
    ['a reference in a circle', { $ref: '#' }, '/schema'],
    ['a type that is none', { type: 'nonsense' }, '/schema'],
    ['a pattern that RE2 has not', { properties: { a: { pattern: '(?=x)' } } }, '/schema'],
    ['an asynchronous check', { $async: true }, '/schema/$async'],
  ])('is not one with %s in its schema', async (_, schema, pointer) => {
    const answer = await tested.call('PUT', '/v1/event-types/bad', { schema });
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_event_schema' } });
    expect((answer.body.errors as Array<{ pointer: string }>)[0]?.pointer).toBe(pointer);
  });

  test('is one of 500 at most in a project', async () => {
    const key = await tested.addProject('many-types');
    const asOther = { authorization: `Bearer ${key}` };
    const put = (type: string) => tested.call('PUT', `/v1/event-types/${type}`, {}, asOther);
    for (let index = 0; index < 500; index += 1) await put(`type-${index}`);
    expect(await put('one-more')).toMatchObject({ status: 422, body: { code: 'too_many_event_types' } });
    expect((await put('type-7')).status).toBe(200);
  });
});

test('what Tidings itself tells of can be neither published nor declared', async () => {
  const refused = { status: 422, body: { code: 'reserved_event_type', errors: [{ pointer: '/type' }] } };
  expect(await publish({ type: 'message.delivered' })).toMatchObject(refused);
  expect(await tested.call('PUT', '/v1/event-types/message.delivered', {})).toMatchObject(refused);
  expect((await publish({ type: 'message.mine' })).status).toBe(202);
});

describe('in bulk', () => {
  test('each item has a result of its own, in order, and equal ones are one event', async () => {
    const id = newName('order');
    const type = await declared({ required: ['orderId'] });
    const { status, body } = await publishMany([
      { type: 'order.created', id },
      { type: 'order.created', id },
      { type: 'order.created', id, data: { other: 1 } },
      { type, data: {} },
      { type: 'message.sent' },
      { type: 'order created' },
      'nothing',
      { type: 'order.created' },
    ]);
    expect(status).toBe(202);
    const items = body.items as Array<{ id?: string; error?: { code: string } }>;
    expect(items.map((item) => item.error?.code ?? 'accepted')).toEqual([
      'accepted',
      'accepted',
      'event_id_reused',
      'invalid_event_data',
      'reserved_event_type',
      'invalid_request',
      'invalid_request',
      'accepted',
    ]);
    expect(items[0]?.id).toBe(items[1]?.id);
    expect(await rowsOf(id)).toHaveLength(1);
  });

  test('a thousand are accepted, and one more is refused', async () => {
    const items = Array.from({ length: 1000 }, () => ({ type: 'order.created' }));
    const { body } = await publishMany(items);
    expect(new Set((body.items as Array<{ id: string }>).map(({ id }) => id)).size).toBe(1000);
    expect((await publishMany([...items, items[0]])).body.code).toBe('invalid_request');
  });
});

describe.each([
  ['a type that is none', { type: 'order created' }, '/type'],
  ['an empty word in its type', { type: 'order..created' }, '/type'],
  ['an id of ours', { type: 'x', id: 'evt_1' }, '/id'],
  ['an empty id', { type: 'x', id: '' }, '/id'],
  ['an id of 256 characters', { type: 'x', id: 'a'.repeat(256) }, '/id'],
  ['a line break in its id', { type: 'x', id: 'a\r\nb' }, '/id'],
  ['a time without an offset', { type: 'x', occurredAt: '2026-01-01T00:00:00' }, '/occurredAt'],
  ['a time that is none', { type: 'x', occurredAt: 'yesterday' }, '/occurredAt'],
  ['a day that is none', { type: 'x', occurredAt: '2026-02-30T00:00:00Z' }, '/occurredAt'],
  ['a time before the year 0', { type: 'x', occurredAt: '0000-01-01T00:00:00+01:00' }, '/occurredAt'],
  ['a time after the year 9999', { type: 'x', occurredAt: '9999-12-31T23:59:59-01:00' }, '/occurredAt'],
  ['data that is a list', { type: 'x', data: [] }, '/data'],
  ['data that is nothing', { type: 'x', data: null }, '/data'],
  ['a field that is not known', { type: 'x', payload: {} }, '/payload'],
])('an event with %s', (_, body, pointer) => {
  test('is refused, with the place', async () => {
    const answer = await publish(body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ pointer }] } });
  });
});

test.each([
  ['nesting of 100,000', `{"type":"x","data":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`],
  ['a key of __proto__', '{"type":"x","data":{"__proto__":{"a":1}}}'],
  ['a NUL', '{"type":"x","data":{"a":"\\u0000"}}'],
  ['a lone surrogate', '{"type":"x","subject":"\\ud800"}'],
  ['a key twice', '{"type":"x","type":"y"}'],
  ['a number beyond a double', '{"type":"x","data":{"a":1e400}}'],
])('a body with %s is refused as JSON', async (_, text) => {
  expect(await publish(text)).toMatchObject({ status: 400, body: { code: 'invalid_json' } });
});

test('a body of more than a megabyte is refused', async () => {
  expect((await publish({ type: 'x', data: { a: 'a'.repeat(1_100_000) } })).status).toBe(413);
});

describe('while nothing can be stored', () => {
  let failing: TestApi | undefined;
  afterEach(async () => {
    await failing?.close();
    failing = undefined;
  });

  test('a publish, one or many, is asked to try again', async () => {
    const outage = new Error('the record is away');
    let away = true;
    failing = await openTestApi({
      changeStore: (store) => ({
        publish: async (items) => (away ? Promise.reject(outage) : store.publish(items)),
        isOutage: (error) => error === outage,
      }),
    });
    const given = { type: 'order.created', id: 'once' };
    for (const [path, body] of [
      ['/v1/events', given],
      ['/v1/events/bulk', { items: [given] }],
    ] as const) {
      const answer = await failing.call('POST', path, body);
      expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
      expect(answer.headers.get('retry-after')).toBe('5');
    }
    away = false;
    expect((await failing.call('POST', '/v1/events', given)).status).toBe(202);
  });

  test('a repeat gets its first answer although no more is accepted', async () => {
    failing = await openTestApi();
    const given = { type: 'order.created', id: 'before' };
    const { body } = await failing.call('POST', '/v1/events', given);
    const full = await failing.restart({ MIN_FREE_DISK_MB: '999999999' });
    failing = full;
    await expect
      .poll(async () => (await full.call('POST', '/v1/events', { type: 'x' })).body.code)
      .toBe('overloaded');
    expect(await full.call('POST', '/v1/events', given)).toMatchObject({ status: 202, body });
    expect((await full.call('POST', '/v1/events/bulk', { items: [{ type: 'x' }] })).status).toBe(503);
  });
});
