import { matches } from '@tidings/events';
import { newId } from '@tidings/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newEvent } from '../../../../packages/db/src/copies.fixture.ts';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
let projectId: string;
let made = 0;
beforeAll(async () => {
  tested = await openTestApi();
  projectId = await tested.store.ensureProject({ id: 'prj_none', key: 'default' });
});
afterAll(() => tested.close());

async function subscribe(fields: object = {}): Promise<string> {
  made += 1;
  const body = { name: `consumer-${made}`, types: [`of-${made}.*`], settings: { kind: 'queue' }, ...fields };
  const { body: subscription, text } = await tested.call('POST', '/v1/subscriptions', body);
  expect(subscription.id, text).toEqual(expect.any(String));
  return subscription.id as string;
}

/** Publishes events of a type that only the latest consumer is for, one for each data; answers their ids. */
async function publish(...all: object[]): Promise<string[]> {
  const events = all.map((data) =>
    newEvent(projectId, { id: newId('event'), type: `of-${made}.created`, data: { ...data } }),
  );
  await tested.store.publish(events);
  return events.map(({ id }) => id);
}

async function fanOut(): Promise<void> {
  while ((await tested.store.fanOut({ rooms: new Map(), matches })).events > 0);
}

interface Line {
  id: string;
  eventId: string;
  status: string;
  reason: string | null;
  dueAt: string | null;
}
async function copiesOf(subscriptionId: string): Promise<Line[]> {
  const { body } = await tested.call('GET', `/v1/copies?subscriptionId=${subscriptionId}&limit=100`);
  return (body.items as Line[]).reverse();
}
const end = (ids: string[], status: string, reason: string | null = null) =>
  tested.query(`UPDATE copies SET status = '${status}', place = NULL, ended_at = 5, failures = 3,
    reason = ${reason === null ? 'NULL' : `'${reason}'`} WHERE id IN (${ids.map((id) => `'${id}'`).join()})`);
const rowsOf = (subscriptionId: string) =>
  tested.query(`SELECT * FROM copies WHERE subscription_id = '${subscriptionId}' ORDER BY id`) as Promise<
    Array<Record<string, unknown>>
  >;
const longAgo = '2020-01-01T00:00:00Z';
const recover = (id: string, body: object = { since: longAgo }) =>
  tested.call('POST', `/v1/subscriptions/${id}/recover`, body);
const resend = (id: string) => tested.call('POST', `/v1/copies/${id}/resend`);

describe('recovering a consumer', () => {
  test('resends what failed, makes what there was none of, and leaves all else', async () => {
    const before = new Date(Date.now() - 60_000).toISOString();
    made += 1;
    const missed = await publish({ n: 1 }, { n: 2 });
    await fanOut();
    made -= 1;
    const id = await subscribe();
    const [failed, delivered, open] = await publish({ n: 3 }, { n: 4 }, { n: 5 });
    await fanOut();
    const known = await copiesOf(id);
    expect(known.map(({ eventId }) => eventId)).toEqual([failed, delivered, open]);
    await end([known[0]?.id ?? ''], 'failed', 'attempts_exhausted');
    await end([known[1]?.id ?? ''], 'delivered');
    const answer = await recover(id, { since: before });
    expect(answer, answer.text).toMatchObject({
      status: 200,
      body: { made: 2, resent: 1, more: false, after: null },
    });
    const copies = await copiesOf(id);
    expect(new Map(copies.map(({ eventId, status }) => [eventId, status]))).toEqual(
      new Map([
        [failed, 'queued'],
        [delivered, 'delivered'],
        [open, 'queued'],
        [missed[0], 'queued'],
        [missed[1], 'queued'],
      ]),
    );
    const row = (await rowsOf(id)).find(({ event_id: eventId }) => eventId === failed);
    expect(row).toMatchObject({ generation: 1, failures: 0, reason: null, place: 'store', ended_at: null });
    expect((await recover(id, { since: before })).body).toMatchObject({ made: 0, resent: 0 });
    const { body } = await tested.call('GET', `/v1/audit?target=${id}&action=subscriptions.recover`);
    const fields = (body.items as Array<{ fields: string[] }>).map((item) => item.fields);
    expect(fields.flat().sort()).toEqual(['made 2', 'resent 1']);
  });

  test('holds events against types and filter as they are now', async () => {
    const id = await subscribe({ filter: 'data.total >= 100' });
    await publish({ total: 50 }, { total: 500 }, { total: 'many' }, {});
    await fanOut();
    const [large, strange] = await copiesOf(id);
    expect([large?.status, strange?.status, strange?.reason]).toEqual(['queued', 'failed', 'filter_failed']);
    expect((await recover(id)).body).toMatchObject({ made: 0, resent: 0 });
    await tested.call('PUT', `/v1/subscriptions/${id}`, { filter: 'has(data.total)' });
    expect((await recover(id)).body).toMatchObject({ made: 1, resent: 1 });
    await tested.call('PUT', `/v1/subscriptions/${id}`, { filter: null });
    expect((await recover(id)).body).toMatchObject({ made: 1, resent: 0 });
  });

  test('goes piece by piece through a time, whose end is not part of it', async () => {
    made += 1;
    const ids = await publish(...Array.from({ length: 5 }, (_, n) => ({ n })));
    await fanOut();
    made -= 1;
    const id = await subscribe();
    const at = (time: number) => new Date(time).toISOString();
    const times = [1_700_000_000_000, 1_700_000_001_000, 1_700_000_002_000, 1_700_000_003_000];
    const hex = (ms: number) => ms.toString(16).padStart(12, '0');
    const renamed = ids
      .slice(0, 4)
      .map((_, index) => `evt_${hex(times[index] ?? 0)}7000800000000000000${index}`);
    for (const [index, eventId] of ids.slice(0, 4).entries()) {
      await tested.query(`UPDATE events SET id = '${renamed[index]}', created_at = ${times[index]}
        WHERE id = '${eventId}'`);
    }
    const range = { since: at(times[0] ?? 0), until: at(times[3] ?? 0), limit: 2 };
    const one = await recover(id, range);
    expect(one.body).toEqual({ made: 2, resent: 0, more: true, after: renamed[1] });
    const two = await recover(id, { ...range, after: one.body.after });
    expect(two.body).toEqual({ made: 1, resent: 0, more: false, after: null });
    expect((await copiesOf(id)).map(({ eventId }) => eventId).sort()).toEqual(renamed.slice(0, 3));
  });

  test('passes over events whose data is gone, tests, and happenings that it does not name', async () => {
    const id = await subscribe({ types: ['*', 'subscription.*'] });
    const { body } = await tested.call('POST', `/v1/subscriptions/${id}/test`, {});
    await end([body.copyId as string], 'failed', 'rejected');
    const [gone] = await publish({ n: 1 });
    await tested.query(`UPDATE events SET payload_removed_at = 5 WHERE id = '${gone}'`);
    const happening = newEvent(projectId, { id: newId('event'), type: 'message.failed', origin: 'tidings' });
    await tested.store.publish([happening]);
    const since = new Date(Date.now() - 60_000).toISOString();
    await recover(id, { since });
    const eventIds = (await copiesOf(id)).map(({ eventId }) => eventId);
    expect(eventIds).not.toContain(gone);
    expect(eventIds).not.toContain(happening.id);
    expect((await tested.call('GET', `/v1/copies/${body.copyId}`)).body).toMatchObject({ status: 'failed' });
  });

  test('puts what it makes behind all others of an ordered one, in their order', async () => {
    made += 1;
    const missed = await publish({ n: 1 }, { n: 2 });
    await fanOut();
    made -= 1;
    const id = await subscribe({ settings: { kind: 'queue', ordered: true } });
    const since = await publish({ n: 3 });
    await fanOut();
    expect((await recover(id)).body).toMatchObject({ made: 2 });
    const later = await publish({ n: 4 });
    await fanOut();
    const rows = await rowsOf(id);
    const inOrder = rows.toSorted((a, b) => Number(a.position) - Number(b.position));
    expect(inOrder.map((row) => row.event_id)).toEqual([...since, ...missed, ...later]);
    expect(new Set(rows.map(({ position }) => position)).size).toBe(4);
  });
});

describe('a test of a consumer', () => {
  test('is an event for this one alone, that no fan-out gives to others', async () => {
    const other = await subscribe({ types: ['subscription.*'] });
    const id = await subscribe({ settings: { kind: 'webhook', url: 'https://shop.example/hooks' } });
    const answer = await tested.call('POST', `/v1/subscriptions/${id}/test`, {
      data: { n: 1, subscription: 'x' },
    });
    expect(answer.status).toBe(202);
    const { eventId, copyId } = answer.body;
    const [event] = (await tested.query(`SELECT * FROM events WHERE id = '${eventId}'`)) as Array<
      Record<string, unknown>
    >;
    expect(event).toMatchObject({ type: 'subscription.test', origin: 'tidings', subject: null });
    const data = typeof event?.data === 'string' ? JSON.parse(event.data) : event?.data;
    expect(data).toEqual({ n: 1, subscription: `consumer-${made}` });
    await fanOut();
    expect(await copiesOf(other)).toEqual([]);
    expect(await copiesOf(id)).toMatchObject([{ id: copyId, eventId, status: 'queued' }]);
    expect(await rowsOf(id)).toMatchObject([{ place: 'store', generation: 0 }]);
  });

  test('is nothing for a rule that notifies', async () => {
    const settings = { kind: 'notify', to: { email: '/data/email' }, template: 'x' };
    const id = await subscribe({ settings });
    const refused = await tested.call('POST', `/v1/subscriptions/${id}/test`, {});
    expect(refused).toMatchObject({ status: 409, body: { code: 'not_testable' } });
  });
});

describe('a copy', () => {
  test('is resent when it has ended, delivered or not, and not while it is open', async () => {
    const id = await subscribe();
    await publish({ n: 1 }, { n: 2 });
    await fanOut();
    const [one, other] = (await copiesOf(id)).map((copy) => copy.id) as [string, string];
    expect(await resend(one)).toMatchObject({ status: 409, body: { code: 'not_resendable' } });
    await end([one], 'delivered');
    await end([other], 'failed', 'rejected');
    for (const copy of [one, other]) {
      const resent = await resend(copy);
      expect(resent, resent.text).toMatchObject({
        status: 200,
        body: { id: copy, status: 'queued', reason: null, failures: 0, endedAt: null },
      });
      expect(resent.body.dueAt).toEqual(expect.any(String));
      expect((await resend(copy)).status).toBe(409);
    }
    const { body } = await tested.call('GET', `/v1/audit?target=${one}`);
    expect(body.items).toMatchObject([{ action: 'copies.resend' }]);
  });

  test('of an event whose data is gone, or of a consumer that is, is not resent', async () => {
    const id = await subscribe();
    await publish({ n: 1 }, { n: 2 });
    await fanOut();
    const [one, other] = await copiesOf(id);
    await end([one?.id ?? '', other?.id ?? ''], 'failed', 'rejected');
    await tested.query(`UPDATE events SET payload_removed_at = 5 WHERE id = '${one?.eventId}'`);
    expect((await resend(one?.id ?? '')).body).toMatchObject({ code: 'not_resendable' });
    await tested.call('DELETE', `/v1/subscriptions/${id}`);
    expect((await resend(other?.id ?? '')).body).toMatchObject({ code: 'not_resendable' });
    expect((await resend(`cpy_${'0'.repeat(32)}`)).body).toMatchObject({ code: 'not_found' });
  });

  test('is listed by event, consumer and status, page by page, and shown with its attempts', async () => {
    const id = await subscribe();
    const [eventId] = await publish({ n: 1 }, { n: 2 }, { n: 3 });
    await fanOut();
    const [first, second, third] = (await copiesOf(id)).map((copy) => copy.id) as [string, string, string];
    await end([second], 'failed', 'attempts_exhausted');
    await tested.query(`INSERT INTO copy_attempts (copy_id, number, generation, worker, started_at, finished_at,
      outcome, reason, code, response) VALUES ('${second}', 1, 0, 'worker', 1000, 2000, 'transient',
      'endpoint_failed', '500', 'oops')`);
    const idsOf = async (query: string) =>
      ((await tested.call('GET', `/v1/copies?${query}`)).body.items as Line[]).map((copy) => copy.id);
    expect(await idsOf(`eventId=${eventId}&subscriptionId=${id}`)).toEqual([first]);
    expect(await idsOf(`subscriptionId=${id}&status=failed`)).toEqual([second]);
    const page = await tested.call('GET', `/v1/copies?subscriptionId=${id}&limit=2`);
    expect(page.body).toMatchObject({ after: second, before: null });
    expect(await idsOf(`subscriptionId=${id}&limit=2&after=${second}`)).toEqual([first]);
    expect(await idsOf(`subscriptionId=${id}&limit=2&before=${second}`)).toEqual([third]);
    const { body } = await tested.call('GET', `/v1/copies/${second}`);
    expect(body).toMatchObject({
      subscription: `consumer-${made}`,
      kind: 'queue',
      status: 'failed',
      reason: 'attempts_exhausted',
      dueAt: null,
      attempts: [
        {
          number: 1,
          startedAt: '1970-01-01T00:00:01.000Z',
          finishedAt: '1970-01-01T00:00:02.000Z',
          outcome: 'transient',
          reason: 'endpoint_failed',
          code: '500',
          response: 'oops',
        },
      ],
    });
    const detail = await tested.call('GET', `/v1/subscriptions/${id}`);
    expect(detail.body).toMatchObject({ waiting: 2, sending: 0, failed: 1 });
  });
});
