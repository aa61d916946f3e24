import { queueOfSubscription } from '@tidings/contracts';
import { createStore, type Database, type Store, type SubscriptionRow } from '@tidings/db';
import type { QueueEngine } from '@tidings/queue';
import { createMetrics, silentLog } from '@tidings/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addSubscription, changeSubscription, newEvent } from '../../../../packages/db/src/copies.fixture.ts';
import { enginesOfTests, openQueue } from '../../../../test/support/engines.ts';
import { type Mortal, mortal } from '../../../../test/support/mortal.ts';
import { openRecord } from '../../../../test/support/record.ts';
import { tempDir } from '../../../../test/support/temp-dir.ts';
import { until } from '../../../../test/support/until.ts';
import type { CopyResult, CopySender } from './copy-sender.ts';
import { type Events, startEvents } from './events.ts';

const log = silentLog();
const projectId = 'prj_1';
const webhook: Partial<SubscriptionRow> = {
  kind: 'webhook',
  settings: { kind: 'webhook', url: 'https://example.com/hook', ordered: false },
};
const delivered: CopyResult = { outcome: 'delivered' };
const failing: CopyResult = { outcome: 'transient', reason: 'endpoint_failed' };

describe(`events and their consumers on ${enginesOfTests}`, () => {
  let store: Store;
  let database: Database;
  let engine: QueueEngine;
  let metrics: ReturnType<typeof createMetrics>;
  let running: Events[];
  let removeDir: () => void;

  beforeEach(async () => {
    const dir = tempDir();
    removeDir = dir.remove;
    ({ database } = await openRecord(dir.path));
    store = createStore(database);
    await store.ensureProject({ id: projectId, key: 'default' });
    engine = await openQueue(dir.path);
    metrics = createMetrics();
    running = [];
  });
  afterEach(async () => {
    await Promise.all(running.map((events) => events.stop({ deadlineMs: 2000, queueIsAway: false })));
    await engine.close();
    await database.close();
    removeDir();
  });

  /** What a worker process does for events, with a consumer of every kind that does as `send` says. */
  function work(
    send: CopySender['send'],
    of: {
      process?: Pick<Mortal, 'store' | 'engine'>;
      owner?: string;
      delayMs?: number;
      idleMs?: number;
    } = {},
  ): Events {
    const { process = { store, engine }, owner = 'worker', delayMs = 50, idleMs } = of;
    const sender: CopySender = {
      send,
      nextDelayMs: (_, failures) => (failures < 3 ? delayMs : undefined),
      close: async () => {},
    };
    const events = startEvents({
      ...process,
      matches: () => true,
      senders: { webhook: sender, notify: sender },
      owner,
      log,
      metrics,
      tuning: { leaseMs: 1500, renewMs: 300, lockMs: 1500, stalledMs: 500, copyIdleMs: idleMs },
    });
    running.push(events);
    return events;
  }

  const subscribe = (of: Partial<SubscriptionRow> = {}) =>
    addSubscription(database, projectId, { ...webhook, ...of });

  async function publish(count: number): Promise<string[]> {
    const events = Array.from({ length: count }, () => newEvent(projectId));
    await store.publish(events);
    return events.map(({ id }) => id);
  }

  async function statusesOf(id: string): Promise<string[]> {
    const rows = await database.handle.select().from(database.tables.copies);
    return rows.filter(({ subscriptionId }) => subscriptionId === id).map(({ status }) => status);
  }

  const allAre = (status: string, count: number) => (statuses: string[]) =>
    statuses.length === count && statuses.every((one) => one === status);

  test('a dead consumer holds no other, and has all of its copies when it is back', async () => {
    const dead = await subscribe();
    const sound = [await subscribe(), await subscribe({ kind: 'notify' })];
    let isBack = false;
    const had = new Map<string, string[]>();
    work(async ({ event, subscription: { id } }) => {
      if (id === dead && !isBack) return { outcome: 'held', reason: 'endpoint_busy', delayMs: 300 };
      had.set(id, [...(had.get(id) ?? []), event.id]);
      return delivered;
    });
    const ids = await publish(40);
    for (const id of sound) await until(() => statusesOf(id), allAre('delivered', 40));
    expect(had.get(dead)).toBeUndefined();
    isBack = true;
    await until(() => statusesOf(dead), allAre('delivered', 40));
    for (const id of [dead, ...sound]) expect(had.get(id)?.toSorted()).toEqual(ids);
  });

  test('a copy that fails is tried as often as its kind says, and is a dead letter then', async () => {
    const id = await subscribe();
    let tries = 0;
    work(async () => {
      tries += 1;
      return failing;
    });
    await publish(1);
    await until(() => statusesOf(id), allAre('failed', 1));
    expect(tries).toBe(3);
    await until(
      () => engine.queue(queueOfSubscription(id)).getFailedCount(),
      (count) => count === 1,
    );
    const text = await metrics.registry.metrics();
    expect(text).toContain('tidings_copies_ended_total{kind="webhook",status="failed"} 1');
    expect(text).toContain('tidings_events_fanned_out_total 1');
  });

  test('what a sender throws is a failure like another', async () => {
    const id = await subscribe();
    let tries = 0;
    work(async () => {
      tries += 1;
      if (tries === 1) throw new Error('unforeseen');
      return delivered;
    });
    await publish(1);
    await until(() => statusesOf(id), allAre('delivered', 1));
  });

  test('copies of an ordered subscription are tried one after the other, through failures too', async () => {
    const id = await subscribe({ ordered: true });
    const had: string[] = [];
    let underway = 0;
    let most = 0;
    work(async ({ event, copy }) => {
      underway += 1;
      most = Math.max(most, underway);
      await new Promise((resolve) => setImmediate(resolve));
      underway -= 1;
      if (copy.failures === 0 && event.id.endsWith('5')) return failing;
      had.push(event.id);
      return delivered;
    });
    const ids = await publish(12);
    await until(() => statusesOf(id), allAre('delivered', 12));
    expect(had).toEqual(ids);
    expect(most).toBe(1);
  });

  test('what a worker had in hand that died is handed over by another', async () => {
    const id = await subscribe();
    const process = mortal({ store, engine });
    const held: string[] = [];
    const dying = work(
      async ({ copy }) => {
        held.push(copy.id);
        return new Promise(() => {});
      },
      { process, owner: 'dying' },
    );
    await publish(5);
    await until(
      () => held.length,
      (count) => count === 5,
    );
    await process.kill();
    running.splice(running.indexOf(dying), 1);
    work(async () => delivered, { owner: 'other' });
    await until(() => statusesOf(id), allAre('delivered', 5));
  });

  test('two processes share the work, and no copy is handed over twice', async () => {
    const ids = [await subscribe(), await subscribe()];
    const had: string[] = [];
    const send: CopySender['send'] = async ({ copy }) => {
      had.push(copy.id);
      return delivered;
    };
    work(send, { owner: 'one' });
    work(send, { owner: 'two' });
    await publish(60);
    for (const id of ids) await until(() => statusesOf(id), allAre('delivered', 60));
    expect(new Set(had).size).toBe(120);
    expect(had).toHaveLength(120);
  });

  test('workers are opened for work, and closed when there has been none for a while', async () => {
    const id = await subscribe();
    const idle = await subscribe({ status: 'paused' });
    const events = work(async () => delivered, { idleMs: 200 });
    const names = () => events.watched().map(({ name }) => name);
    expect(names()).toEqual([]);
    await publish(1);
    await until(names, (open) => open.includes(queueOfSubscription(id)));
    await until(names, (open) => open.length === 0);
    await publish(1);
    await until(() => statusesOf(id), allAre('delivered', 2));
    await changeSubscription(database, idle, { status: 'active' });
    await until(() => statusesOf(idle), allAre('delivered', 2));
  });

  test('a job whose data is not ours ends as failed and is counted', async () => {
    const id = await subscribe();
    const queue = engine.queue(queueOfSubscription(id));
    await queue.add('copy', { v: 1, id: 'msg_1' }, { jobId: 'msg_1-g0' });
    work(async () => delivered);
    await publish(1);
    await until(
      () => queue.getJobState('msg_1-g0'),
      (state) => state === 'failed',
    );
    expect(await metrics.registry.metrics()).toContain('tidings_malformed_jobs_total{queue="consumers"} 1');
  });
});
