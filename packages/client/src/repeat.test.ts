import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { allOperations, openTestApi, type TestApi } from '../../../test/support/api.ts';
import { type Act, type Front, startFront } from './front.fixture.ts';
import {
  createTidings,
  isApiError,
  TidingsApiError,
  TidingsConnectionError,
  type TidingsOptions,
} from './index.ts';
import { repeatingFetch } from './repeat.ts';
import { repeatableMutations } from './repeatable.ts';

let tested: TestApi;
let apiUrl: string;
beforeAll(async () => {
  tested = await openTestApi();
  apiUrl = (await tested.listen()).url;
});
afterAll(() => tested.close());

let front: Front | undefined;
afterEach(async () => {
  await front?.close();
  front = undefined;
});

async function behind(acts: Act[], options: Partial<TidingsOptions> = {}) {
  front = await startFront({ apiUrl, acts });
  return { front, tidings: createTidings({ url: front.url, apiKey: tested.key, ...options }) };
}

const mail = { to: { email: 'ada@example.com' }, content: { email: { subject: 's', text: 't' } } };
const sentSince = async (before: Set<string>) => (await ids()).filter((id) => !before.has(id));
const ids = async () => {
  const { body } = await tested.call('GET', '/v1/notifications?limit=100');
  return (body.items as Array<{ id: string }>).map(({ id }) => id);
};

describe('sends of one turn', () => {
  test('go out as one request, each with its own answer or its own error', async () => {
    const { front, tidings } = await behind([]);
    const before = new Set(await ids());
    const calls = Array.from({ length: 20 }, (_, index) =>
      tidings.notifications.send.mutate(
        index === 7 ? { ...mail, template: 'welcome_email' } : { ...mail, metadata: { index } },
      ),
    );
    const results = await Promise.allSettled(calls);
    expect(front.seen.map(({ path }) => path)).toEqual(['/trpc/notifications.sendMany']);
    const refused = results[7];
    expect(refused?.status === 'rejected' && refused.reason).toBeInstanceOf(TidingsApiError);
    expect(refused).toMatchObject({ reason: { code: 'invalid_request', problem: { status: 400 } } });
    const answered = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.id] : []));
    expect(answered).toHaveLength(19);
    expect(new Set(await sentSince(before))).toEqual(new Set(answered));
    for (const [index, result] of results.entries()) {
      if (result.status === 'rejected') continue;
      const { metadata } = await tidings.notifications.get.query({ id: result.value.id });
      expect(metadata).toEqual({ index });
    }
  });

  test('are several requests when there are more than fit', async () => {
    const { front, tidings } = await behind([]);
    await Promise.all(Array.from({ length: 501 }, () => tidings.notifications.send.mutate(mail)));
    expect(front.seen.map(({ path }) => path).sort()).toEqual([
      '/trpc/notifications.send',
      '/trpc/notifications.sendMany',
    ]);
  });

  test('one that is given up before it leaves is not sent, the others are', async () => {
    const { tidings } = await behind([]);
    const before = new Set(await ids());
    const given = new AbortController();
    const first = tidings.notifications.send.mutate(mail, { signal: given.signal });
    const others = [tidings.notifications.send.mutate(mail), tidings.notifications.send.mutate(mail)];
    given.abort();
    await expect(first).rejects.toThrow(/abort/i);
    await Promise.all(others);
    expect(await sentSince(before)).toHaveLength(2);
  });
});

describe('publishes', () => {
  const publishedSince = async (before: Set<string>) => (await eventIds()).filter((id) => !before.has(id));
  const eventIds = async () => {
    const { body } = await tested.call('GET', '/v1/events?limit=100');
    return (body.items as Array<{ id: string }>).map(({ id }) => id);
  };

  test('of one turn go out as one request, each with its own answer or its own error', async () => {
    const { front, tidings } = await behind([]);
    const before = new Set(await eventIds());
    const types = ['order.created', 'message.sent', 'order.paid'];
    const calls = types.map((type) => tidings.events.publish.mutate({ type, data: { type } }));
    // Of the same turn too, and another request all the same.
    const sent = tidings.notifications.send.mutate(mail);
    const results = await Promise.allSettled(calls);
    await sent;
    expect(front.seen.map(({ path }) => path).toSorted()).toEqual([
      '/trpc/events.publishMany',
      '/trpc/notifications.send',
    ]);
    expect(results[1]).toMatchObject({ status: 'rejected', reason: { code: 'reserved_event_type' } });
    const answered = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(answered.map(({ type }) => type)).toEqual(['order.created', 'order.paid']);
    expect(new Set(await publishedSince(before))).toEqual(new Set(answered.map(({ id }) => id)));
  });

  test('one whose answer was lost is repeated under its id: one event, and so is each of a bulk', async () => {
    const { front, tidings } = await behind(['lose', 'lose', 'pass', 'lose']);
    const before = new Set(await eventIds());
    const { id } = await tidings.events.publish.mutate({ type: 'order.created' });
    expect(front.seen).toHaveLength(3);
    expect(await publishedSince(before)).toEqual([id]);
    const items = [{ type: 'order.created' }, { type: 'order.created', id: 'of-mine' }, 'no object'];
    await tidings.events.publishMany.mutate({ items });
    expect(front.seen).toHaveLength(5);
    expect(await publishedSince(before)).toHaveLength(3);
  });
});

describe('what fails for a passing reason', () => {
  test('a send whose answer was lost is repeated under its key: one notification', async () => {
    const { front, tidings } = await behind(['lose', 'lose']);
    const before = new Set(await ids());
    const { id } = await tidings.notifications.send.mutate(mail);
    expect(front.seen).toHaveLength(3);
    expect(new Set(front.seen.map(({ body }) => body)).size).toBe(1);
    expect(await sentSince(before)).toEqual([id]);
  });

  test('so is a bulk, every item under a key of its own', async () => {
    const { tidings } = await behind(['lose']);
    const before = new Set(await ids());
    await tidings.notifications.sendMany.mutate({
      items: [mail, { ...mail, idempotencyKey: 'of-mine' }, 'no object'],
    });
    expect(await sentSince(before)).toHaveLength(2);
  });

  test.each([408, 429, 502, 503, 504])('%s is tried again', async (status) => {
    const { front, tidings } = await behind([{ status, retryAfter: '0' }]);
    await tidings.notifications.list.query({});
    expect(front.seen).toHaveLength(2);
  });

  test('a refusal is not', async () => {
    const { front, tidings } = await behind([]);
    const error = await tidings.notifications.send
      .mutate({ ...mail, template: 'x' })
      .catch((thrown: unknown) => thrown);
    expect(isApiError(error, 'invalid_request')).toBe(true);
    expect(isApiError(error, 'not_found')).toBe(false);
    expect(front.seen).toHaveLength(1);
  });

  test('as often as was said, and then the caller hears of it', async () => {
    const { front, tidings } = await behind([{ status: 503 }, { status: 503 }, { status: 503 }], {
      retries: 1,
    });
    await expect(tidings.notifications.list.query({})).rejects.toBeInstanceOf(TidingsConnectionError);
    expect(front.seen).toHaveLength(2);
  });

  test('not when it would take longer than anybody waits', async () => {
    const { front, tidings } = await behind([{ status: 429, retryAfter: '3600' }]);
    await expect(tidings.notifications.list.query({})).rejects.toThrow();
    expect(front.seen).toHaveLength(1);
  });

  test('no answer in time is a failure like any other', async () => {
    const { front, tidings } = await behind(['silence'], { timeoutMs: 300 });
    await tidings.notifications.list.query({});
    expect(front.seen).toHaveLength(2);
  });

  test('an answer that breaks off is a failure like any other, and so is one that does not end in time', async () => {
    const { front, tidings } = await behind(['break', 'stall'], { timeoutMs: 500 });
    const before = new Set(await ids());
    const { id } = await tidings.notifications.send.mutate(mail);
    expect(front.seen).toHaveLength(3);
    expect(await sentSince(before)).toEqual([id]);
  });

  test('one that breaks off every time is no answer', async () => {
    const { front, tidings } = await behind(['break', 'break'], { retries: 1 });
    await expect(tidings.notifications.list.query({})).rejects.toBeInstanceOf(TidingsConnectionError);
    expect(front.seen).toHaveLength(2);
  });

  test('a removal whose answer was lost is not done again, to be called not found', async () => {
    const { front, tidings } = await behind(['pass', 'lose']);
    await tidings.categories.upsert.mutate({ key: 'news', name: 'News' });
    await expect(tidings.categories.remove.mutate({ key: 'news' })).rejects.toBeInstanceOf(
      TidingsConnectionError,
    );
    expect(front.seen).toHaveLength(2);
  });

  test('without a connection the error says so, after all tries', async () => {
    const tidings = createTidings({ url: 'http://127.0.0.1:1', apiKey: tested.key, retries: 1 });
    await expect(tidings.notifications.list.query({})).rejects.toBeInstanceOf(TidingsConnectionError);
  });

  test('a call that is given up while it waits ends at once', async () => {
    const { tidings } = await behind([{ status: 503, retryAfter: '20' }]);
    const given = new AbortController();
    const call = tidings.notifications.list.query({}, { signal: given.signal });
    setTimeout(() => given.abort(), 100);
    await expect(call).rejects.toThrow(/abort/i);
  });
});

test('a mutation that could be done twice is repeated only after 429, which says that it was not done', async () => {
  const tries: string[] = [];
  const answers = [429, 503, 200];
  const repeating = repeatingFetch({
    timeoutMs: 0,
    retries: 5,
    repeatable: () => false,
    random: () => 0,
    fetch: async (url) => {
      tries.push(String(url));
      return new Response('', { status: answers.shift() ?? 500 });
    },
  });
  const response = await repeating('http://x/trpc/apiKeys.create', { method: 'POST' });
  expect(response.status).toBe(503);
  expect(tries).toHaveLength(2);
});

/** PUTs that are not repeated, and why. */
const putsDoneOnce: Record<string, string> = {
  'templates.update': 'names the revision that it changes, which is another afterwards',
};

test('every PUT may be repeated but for those with a reason, and beside them what is named here', () => {
  const namesOf = (isMeant: (method: string) => boolean) =>
    allOperations.filter(({ method }) => isMeant(method)).map(({ name }) => name);
  const puts = namesOf((method) => method === 'PUT');
  expect(puts).toEqual(expect.arrayContaining(Object.keys(putsDoneOnce)));
  // A key or id of the request, a token or an address that is there already, or an end or a fact that is one already.
  const posts = [
    'notifications.send',
    'notifications.sendMany',
    'consumers.extend',
    'events.publish',
    'events.publishMany',
    'devices.register',
    'notifications.cancel',
    'messages.report',
    'subscriptions.pause',
    'subscriptions.resume',
    'suppressions.add',
    'suppressions.import',
  ];
  expect(namesOf((method) => method === 'POST')).toEqual(expect.arrayContaining(posts));
  const expected = [...puts.filter((name) => !Object.hasOwn(putsDoneOnce, name)), ...posts];
  expect([...repeatableMutations].toSorted()).toEqual(expected.toSorted());
});
