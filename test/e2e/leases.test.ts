import { bootstrap, createApi } from '@tidings/api';
import { createStore, type Database, type Store } from '@tidings/db';
import { addJobs, type QueueEngine } from '@tidings/queue';
import { createMetrics, parseConfig, silentLog } from '@tidings/runtime';
import { createWorkers, type Provider, type Workers, type WorkerTuning } from '@tidings/workers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openQueue } from '../support/engines.ts';
import { onlyProvider } from '../support/only-provider.ts';
import { quick } from '../support/quick.ts';
import { openRecord } from '../support/record.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';

const log = silentLog();

/** A provider whose answers a test gives one by one. */
function controlledProvider() {
  const calls: Array<PromiseWithResolvers<Awaited<ReturnType<Provider['send']>>>> = [];
  const provider: Provider = {
    name: 'controlled',
    send: () => {
      const call = Promise.withResolvers<Awaited<ReturnType<Provider['send']>>>();
      calls.push(call);
      return call.promise;
    },
    probe: async () => true,
    close: async () => {},
  };
  return { provider, calls };
}

describe('a message in the hands of a worker', () => {
  let database: Database;
  let store: Store;
  let engine: QueueEngine;
  let send: () => Promise<string>;
  let running: Workers[];
  let projectId: string;
  let dataDir: string;
  let removeDir: () => void;

  beforeEach(async () => {
    const dir = tempDir();
    dataDir = dir.path;
    removeDir = dir.remove;
    ({ database } = await openRecord(dir.path));
    store = createStore(database);
    engine = await openQueue(dir.path);
    const { key } = await bootstrap({ store, dataDir: dir.path });
    projectId = await store.ensureProject({ id: 'unused', key: 'default' });
    const api = createApi({
      store,
      config: parseConfig({ DATA_DIR: dir.path, PORT: '0' }),
      log,
      metrics: createMetrics(),
    });
    running = [];
    send = async () => {
      const answer = await api.fetch(
        new Request('http://tidings/v1/notifications', {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: JSON.stringify({
            to: { email: 'ada@example.com' },
            content: { email: { subject: 's', text: 't' } },
          }),
        }),
      );
      const { messages } = (await answer.json()) as { messages: Array<{ id: string }> };
      return messages[0]?.id ?? '';
    };
  });
  afterEach(async () => {
    await Promise.all(running.map((workers) => workers.stop()));
    await engine.close();
    await database.close();
    removeDir();
  });

  function work(provider: Provider, owner: string, tuning: WorkerTuning): Workers {
    const workers = createWorkers({
      store,
      engine,
      providers: onlyProvider(provider),
      config: parseConfig({ DATA_DIR: dataDir }),
      log,
      metrics: createMetrics(),
      owner,
      tuning: { ...quick, ...tuning },
    });
    workers.start();
    running.push(workers);
    return workers;
  }

  /** A second job for the message, as an older copy of the queue would bring it back. */
  const doubleJob = (id: string) =>
    addJobs(engine, [{ id, generation: 99, channel: 'email', lane: 'normal', delayMs: 0 }]);

  async function messageOf(id: string) {
    const found = await store.getMessage(projectId, id);
    if (found === undefined) throw new Error(`no message ${id}`);
    return { ...found.message, attempts: found.attempts };
  }

  test('its lease is renewed as long as it sends: no second worker sends it', async () => {
    const slow = controlledProvider();
    const other = controlledProvider();
    work(slow.provider, 'slow', { leaseMs: 600, renewMs: 150 });
    const id = await send();
    await until(
      () => slow.calls.length,
      (count) => count === 1,
    );
    work(other.provider, 'other', { leaseMs: 600, renewMs: 150 });
    await doubleJob(id);
    const startedAt = performance.now();
    const first = await messageOf(id);
    await until(
      () => messageOf(id),
      (message) =>
        (message.leaseUntil ?? 0) > (first.leaseUntil ?? 0) && performance.now() - startedAt > 1500,
    );
    expect(slow.calls.length + other.calls.length).toBe(1);
    slow.calls[0]?.resolve({ outcome: 'sent' });
    const message = await until(
      () => messageOf(id),
      ({ status }) => status === 'sent',
    );
    expect(message.attempts).toMatchObject([{ number: 1, outcome: 'sent', worker: 'slow' }]);
  });

  test('a success that comes after the lease was lost, and after another worker’s failure, ends as sent', async () => {
    const frozen = controlledProvider();
    const other = controlledProvider();
    work(frozen.provider, 'frozen', { leaseMs: 300, renewMs: 3_600_000 });
    const id = await send();
    await until(
      () => frozen.calls.length,
      (count) => count === 1,
    );
    work(other.provider, 'other', {});
    await doubleJob(id);
    await until(
      () => other.calls.length + frozen.calls.length,
      (count) => count === 2,
    );
    const second = other.calls[0] ?? frozen.calls[1];
    second?.resolve({ outcome: 'rejected', reason: 'rejected', code: '550' });
    await until(
      () => messageOf(id),
      ({ status }) => status === 'unknown',
    );
    frozen.calls[0]?.resolve({ outcome: 'sent', code: '250' });
    const message = await until(
      () => messageOf(id),
      ({ status }) => status === 'sent',
    );
    expect(message.reason).toBeNull();
    expect(message.attempts.map(({ outcome }) => outcome)).toEqual(['sent', 'rejected']);
  });

  test('a failure that comes after the lease was lost changes nothing', async () => {
    const frozen = controlledProvider();
    work(frozen.provider, 'frozen', { leaseMs: 300, renewMs: 3_600_000 });
    const id = await send();
    await until(
      () => frozen.calls.length,
      (count) => count === 1,
    );
    await doubleJob(id);
    await until(
      () => frozen.calls.length,
      (count) => count === 2,
    );
    frozen.calls[0]?.resolve({ outcome: 'rejected', code: '550' });
    await until(
      () => messageOf(id),
      ({ attempts }) => attempts[0]?.outcome === 'rejected',
    );
    expect((await messageOf(id)).status).toBe('sending');
    frozen.calls[1]?.resolve({ outcome: 'sent' });
    await until(
      () => messageOf(id),
      ({ status }) => status === 'sent',
    );
  });

  test('a job that is not one of ours fails for good, and one without a message is let go', async () => {
    const idle = controlledProvider();
    work(idle.provider, 'worker', {});
    const queue = engine.queue('email');
    const foreign = { v: 1, id: "msg_1' or 1=1" };
    await queue.add('email', foreign as never, { jobId: 'foreign' });
    await queue.add('email', { v: 1, id: 'msg_00000000000000000000000000000000' }, { jobId: 'orphan' });
    await until(
      () => Promise.all([queue.getJobState('foreign'), queue.getJobState('orphan')]),
      ([first, second]) => first === 'failed' && second === 'completed',
    );
    expect(idle.calls).toHaveLength(0);
  });

  test('two jobs of one message that start together send it once', async () => {
    const { provider, calls } = controlledProvider();
    const id = await send();
    const job = { id, channel: 'email', lane: 'normal', delayMs: 0 } as const;
    await addJobs(engine, [
      { ...job, generation: 98 },
      { ...job, generation: 99 },
    ]);
    work(provider, 'worker', {});
    await until(
      () => calls.length,
      (count) => count > 0,
    );
    await until(
      () => engine.queue('email').getJobCounts('waiting', 'prioritized', 'delayed'),
      ({ waiting = 0, prioritized = 0, delayed = 0 }) => waiting + prioritized === 0 && delayed > 0,
    );
    expect(calls).toHaveLength(1);
    calls[0]?.resolve({ outcome: 'sent' });
    await until(
      () => messageOf(id),
      ({ status }) => status === 'sent',
    );
    expect((await messageOf(id)).attempts).toHaveLength(1);
  });
});
