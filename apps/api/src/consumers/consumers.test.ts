import { newId } from '@tidings/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

const subscribe = (name: string, body: object = {}, headers?: Record<string, string>) =>
  tested.call('PUT', `/v1/consumers/${name}`, { types: ['order.*'], ...body }, headers);
const changesOf = async (target: unknown) => {
  const { body } = await tested.call('GET', '/v1/audit?limit=100');
  return (body.items as Array<{ target: string; fields: string[] }>)
    .filter((one) => one.target === target)
    .map(({ fields }) => fields);
};

describe('subscribing', () => {
  test('makes a queue once: repeating it changes nothing and leaves nothing on record', async () => {
    const first = await subscribe('stock');
    expect(first).toMatchObject({
      status: 200,
      body: {
        name: 'stock',
        kind: 'queue',
        types: ['order.*'],
        filter: null,
        settings: { kind: 'queue', ordered: false, maxFailures: 8 },
        status: 'active',
      },
    });
    expect((await subscribe('stock')).body).toEqual(first.body);
    expect(await changesOf(first.body.id)).toEqual([[]]);
  });

  test('by several instances that start at once succeeds for all of them', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => subscribe('started-at-once')));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  });

  test('again with something else changes that, and says what', async () => {
    const { body } = await subscribe('changing');
    const changed = await subscribe('changing', { types: ['message.*'], filter: 'data.total > 1' });
    expect(changed.body).toMatchObject({ id: body.id, types: ['message.*'], filter: 'data.total > 1' });
    const budget = await subscribe('changing', {
      types: ['message.*'],
      filter: 'data.total > 1',
      maxFailures: 3,
    });
    expect(budget.body).toMatchObject({ settings: { maxFailures: 3 } });
    expect((await changesOf(body.id)).toSorted()).toEqual([[], ['settings'], ['types', 'filter']]);
  });

  test.each([
    ['a filter that is none', { filter: 'data.total >' }, 422, '/filter'],
    ['another order than it has', { ordered: true }, 422, '/ordered'],
  ])('with %s is refused', async (_, body, status, pointer) => {
    await subscribe('refusing');
    expect(await subscribe('refusing', body)).toMatchObject({
      status,
      body: { code: 'invalid_subscription', errors: [{ pointer }] },
    });
  });

  test('by the name of another kind of consumer is refused, and there is nothing to receive', async () => {
    const settings = { kind: 'webhook', url: 'https://shop.example/webhooks' };
    const webhook = { name: 'hook', types: ['order.*'], settings };
    expect((await tested.call('POST', '/v1/subscriptions', webhook)).status).toBe(201);
    expect(await subscribe('hook')).toMatchObject({
      status: 409,
      body: { code: 'subscription_name_taken' },
    });
    expect((await tested.call('POST', '/v1/consumers/hook/receive', {})).status).toBe(404);
  });

  test('is for keys that may consume, and for nothing else', async () => {
    const consuming = { authorization: `Bearer ${await tested.addKey(['consume'])}` };
    const other = { authorization: `Bearer ${await tested.addKey(['send', 'read', 'manage'])}` };
    expect((await subscribe('scoped', {}, consuming)).status).toBe(200);
    expect(await subscribe('scoped', {}, other)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });
});

describe('a process that has no queue to reach', () => {
  test('says so to whoever wants to receive, and settles and extends all the same', async () => {
    await subscribe('no-queue');
    const call = (what: string, body: object) => tested.call('POST', `/v1/consumers/no-queue/${what}`, body);
    const received = await call('receive', { waitSeconds: 0 });
    expect(received).toMatchObject({ status: 503, body: { code: 'queue_unavailable' } });
    expect(received.headers.get('retry-after')).toBe('1');
    const held = { copyId: newId('copy'), token: 'none' };
    const settled = await call('settle', { items: [{ ...held, outcome: 'done' }] });
    expect(settled.body).toEqual({ items: [{ copyId: held.copyId, status: 'lost' }] });
    const extended = await call('extend', { items: [held] });
    expect(extended).toMatchObject({ status: 200, body: { kept: [] } });
  });
});
