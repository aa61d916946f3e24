import { jobIdOf, queueOfSubscription } from '@tidings/contracts';
import type { CopyVerdict } from '@tidings/db';
import { UnrecoverableError } from 'bullmq';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addSubscription, changeSubscription, newEvent } from '../../../packages/db/src/copies.fixture.ts';
import { openTestBoard, type TestBoard } from '../../../test/support/board.ts';
import { redisAvailable, startRedis } from '../../../test/support/redis-server.ts';
import { until } from '../../../test/support/until.ts';

const engines: Array<{ name: string; open: () => Promise<{ url: string; stop(): Promise<void> }> }> = [
  { name: 'PGlite', open: async () => ({ url: 'embedded', stop: async () => {} }) },
  ...(redisAvailable ? [{ name: 'Redis', open: startRedis }] : []),
];

describe.each(engines)('the queues of consumers on the board, on $name', ({ open }) => {
  let redis: Awaited<ReturnType<typeof open>>;
  let tested: TestBoard;
  beforeAll(async () => {
    redis = await open();
    tested = await openTestBoard({ redisUrl: redis.url });
    await tested.store.ensureProject({ id: 'prj_1', key: 'shop' });
  });
  afterAll(async () => {
    await tested.close();
    await redis.stop();
  });

  const subscribe = (name: string) => addSubscription(tested.database, 'prj_1', { name, kind: 'webhook' });

  async function shown(): Promise<Record<string, string>> {
    const { body } = await tested.call('GET', '/board/api/queues');
    const queues = body.queues as Array<{ name: string; displayName?: string }>;
    return Object.fromEntries(queues.map(({ name, displayName = '' }) => [name, displayName]));
  }

  /** A copy for the subscription, of which a try went so, and the job that it has. */
  async function copyThat(subscriptionId: string, verdict: Exclude<CopyVerdict, { status: 'delivered' }>) {
    const { store } = tested;
    await store.publish([newEvent('prj_1')]);
    const { entries } = await store.fanOut({
      rooms: new Map([[subscriptionId, 1]]),
      matches: ({ id }) => id === subscriptionId,
    });
    const [{ id } = { id: '' }] = entries;
    await store.claimCopies({ ids: [id], token: 't', owner: 'w', leaseMs: 60_000 });
    await store.settleCopies([
      {
        copyId: id,
        token: 't',
        worker: 'w',
        outcome: verdict.status === 'failed' ? 'rejected' : 'transient',
        reason: verdict.reason,
        code: null,
        response: null,
        verdict,
      },
    ]);
    return { id, jobId: jobIdOf(id, 0) };
  }

  const copyOf = async (id: string) => (await tested.store.getCopy('prj_1', id))?.copy;

  /** Has the jobs of a queue end as a worker ends those of dead letters. */
  async function failJobs(name: ReturnType<typeof queueOfSubscription>, count: number): Promise<void> {
    const worker = tested.engine.worker(
      name,
      async () => {
        throw new UnrecoverableError('failed: rejected');
      },
      { concurrency: 5, backoff: () => 1000 },
    );
    void worker.run();
    await until(
      () => tested.engine.queue(name).getFailedCount(),
      (failed) => failed === count,
    );
    await worker.close();
  }

  test('they come and go with their subscriptions, called by project, name and kind', async () => {
    const id = await subscribe('stock');
    const titles = await until(shown, (names) => 'shop.stock' in names);
    expect(titles['shop.stock']).toBe('shop/stock (webhook)');
    await changeSubscription(tested.database, id, { removedAt: Date.now() });
    await until(shown, (names) => !('shop.stock' in names));
  });

  test('a retry takes back what ended, one or all that failed, and the job follows', async () => {
    const id = await subscribe('retried');
    const name = queueOfSubscription(id);
    const queue = tested.engine.queue(name);
    const failed = { status: 'failed', reason: 'rejected', countsFailure: true } as const;
    const copies = [await copyThat(id, failed), await copyThat(id, failed), await copyThat(id, failed)];
    for (const copy of copies) await queue.add('copy', { v: 1, id: copy.id }, { jobId: copy.jobId });
    await queue.add('copy', { v: 1, id: 'msg_1' }, { jobId: 'msg_1-g0' });
    await failJobs(name, 4);
    await until(shown, (names) => 'shop.retried' in names);

    const [first] = copies;
    const one = await tested.call('PUT', `/board/api/queues/shop.retried/${first?.jobId}/retry`);
    expect(one.status).toBe(204);
    expect(await copyOf(first?.id ?? '')).toMatchObject({ status: 'queued', reason: null });
    expect(await queue.getJobState(first?.jobId ?? '')).toBe('waiting');
    const foreign = await tested.call('PUT', `/board/api/queues/shop.retried/msg_1-g0/retry`);
    expect(foreign.body).toMatchObject({ status: 409, code: 'not_replayable' });

    expect((await tested.call('PUT', `/board/api/queues/shop.retried/retry/failed`)).status).toBe(200);
    for (const copy of copies) expect((await copyOf(copy.id))?.status).toBe('queued');
    expect(await queue.getFailedCount()).toBe(0);
  });

  test('a promotion makes due what waits for its next try, and the job follows', async () => {
    const id = await subscribe('promoted');
    const name = queueOfSubscription(id);
    const queue = tested.engine.queue(name);
    const copy = await copyThat(id, {
      status: 'retrying',
      reason: 'endpoint_failed',
      countsFailure: true,
      delayMs: 50_000,
      park: false,
    });
    await queue.add('copy', { v: 1, id: copy.id }, { jobId: copy.jobId, delay: 50_000 });
    await until(shown, (names) => 'shop.promoted' in names);
    expect((await tested.call('PUT', `/board/api/queues/shop.promoted/${copy.jobId}/promote`)).status).toBe(
      204,
    );
    expect((await copyOf(copy.id))?.dueAt).toBeLessThanOrEqual(Date.now());
    expect(await queue.getJobState(copy.jobId)).toBe('waiting');
  });

  test('one may be paused; what would destroy its jobs is refused', async () => {
    const id = await subscribe('paused');
    const name = queueOfSubscription(id);
    await until(shown, (names) => 'shop.paused' in names);
    expect((await tested.call('PUT', `/board/api/queues/shop.paused/pause`)).status).toBe(200);
    expect(await tested.engine.queue(name).isPaused()).toBe(true);
    const emptied = await tested.call('PUT', `/board/api/queues/shop.paused/empty`);
    expect(emptied.body).toMatchObject({ status: 403, code: 'action_refused' });
  });
});
