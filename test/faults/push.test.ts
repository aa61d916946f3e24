import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Child } from '../support/child.ts';
import { type FcmAnswer, type FcmRequest, type FcmSink, startFcmSink } from '../support/fcm-sink.ts';
import { figuresAvailable, residentBytes } from '../support/process-figures.ts';
import { until } from '../support/until.ts';
import { longTest, runsAll } from './all.ts';
import { type Cluster, openCluster } from './cluster.ts';
import type { History } from './history.ts';
import { freshKeys, pushTo } from './recording-client.ts';

vi.setConfig({ testTimeout: 180_000 });

const cleanUp: Array<() => Promise<unknown>> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

const pushes = 40;

interface Running {
  sink: FcmSink;
  cluster: Cluster;
  worker: Child;
}

/** An API and a worker before an FCM that answers so. */
async function start(answer: (count: number, request: FcmRequest) => FcmAnswer): Promise<Running> {
  const sink = await startFcmSink({ answer });
  const cluster = await openCluster({ fcm: sink });
  cleanUp.push(sink.stop, cluster.stop);
  await cluster.startApi();
  // So few at once that no message is hit so often that it is left as unknown.
  return { sink, cluster, worker: await cluster.startWorker({ tuning: { concurrency: 8 } }) };
}

async function sendAll({ client }: Cluster, count = pushes, more: object = {}): Promise<void> {
  await Promise.all(freshKeys(count).map((key) => client.sendSurely(key, pushTo(key, more))));
}

const idOf = ({ body }: FcmRequest) => body.message.data.tidingsMessageId ?? '';
const attemptsOf = ({ record }: History) => record.messages.flatMap(({ attempts }) => attempts);
const outcomesOf = (history: History) =>
  [...new Set(attemptsOf(history).map((one) => one.outcome))].toSorted();

/** What happens to every tenth request, in turn. */
const connectionFaults: FcmAnswer[] = [
  'reset',
  'reset after 200',
  'goaway',
  'refuse',
  'drop',
  { status: 503, errorStatus: 'UNAVAILABLE' },
  'goaway with an error',
];
/** Those after which nobody knows; the last two take all with them that is under way on their connection. */
const doubtful = ['reset', 'drop', 'goaway with an error'];

describe('FCM answers badly', () => {
  test('resets, GOAWAYs and lost connections in turn: copies only of what was in doubt, each the same', async () => {
    const { cluster, sink } = await start((count) => {
      const fault = count % 10 === 0 ? connectionFaults[(count / 10) % connectionFaults.length] : undefined;
      if (typeof fault === 'string' && doubtful.includes(fault))
        cluster.note({ name: fault, ambiguous: true, from: Date.now() - 100, to: Date.now() + 100 });
      return fault;
    });
    await sendAll(cluster, 3 * pushes);
    const history = await cluster.expectInvariants();
    expect(history.record.counts).toEqual({ sent: 3 * pushes });
    expect(sink.sessions.total).toBeGreaterThan(3);
  });

  test.skipIf(!runsAll).each<[fault: FcmAnswer, copies: number, outcomes: string[]]>([
    ['reset', pushes + 4, ['ambiguous', 'sent']],
    ['reset after 200', pushes, ['sent']],
    ['refuse', pushes, ['sent']],
    ['goaway', pushes, ['sent']],
  ])('%s, four times: exactly so many copies', async (fault, copies, outcomes) => {
    const { cluster } = await start((count, request) => {
      if (count % 10 !== 1 || count > 40) return undefined;
      if (fault === 'reset') cluster.note({ name: fault, ambiguous: true, messageIds: [idOf(request)] });
      return fault;
    });
    for (const key of freshKeys(pushes)) await cluster.client.sendSurely(key, pushTo(key));
    const history = await cluster.expectInvariants();
    expect(history.copies).toHaveLength(copies);
    expect(outcomesOf(history)).toEqual(outcomes);
  });

  longTest('a storm of 5xx, three for each: all are sent, once, at the last try', async () => {
    const seen = new Map<string, number>();
    const { cluster } = await start((_, request) => {
      const times = (seen.get(idOf(request)) ?? 0) + 1;
      seen.set(idOf(request), times);
      return times > 3 ? undefined : { status: [500, 502, 503][times - 1] ?? 504 };
    });
    await sendAll(cluster);
    const { record, copies } = await cluster.expectInvariants();
    expect(record.counts).toEqual({ sent: pushes });
    expect(record.messages.map(({ failures }) => failures)).toEqual(Array(pushes).fill(3));
    expect(copies).toHaveLength(pushes);
  });

  longTest('a storm that outlasts the budget: all end as failed, and none was taken', async () => {
    const { cluster } = await start(() => ({ status: 503 }));
    await sendAll(cluster);
    const { record, copies } = await cluster.expectInvariants();
    expect(record.counts).toEqual({ failed: pushes });
    expect(copies).toHaveLength(0);
  });

  longTest(
    'in doubt once, and then a storm that outlasts the budget: left as unknown, not called failed',
    async () => {
      const seen = new Set<string>();
      const { cluster } = await start((_, request) => {
        const id = idOf(request);
        if (seen.has(id)) return { status: 503 };
        seen.add(id);
        cluster.note({ name: 'reset', ambiguous: true, messageIds: [id] });
        return 'reset';
      });
      await sendAll(cluster);
      const { record, copies } = await cluster.expectInvariants();
      expect(record.counts).toEqual({ unknown: pushes });
      expect(copies).toHaveLength(pushes);
    },
  );

  test('a redirect is not followed: they are held, and all go out when it is gone', async () => {
    const elsewhere = await startFcmSink();
    cleanUp.push(elsewhere.stop);
    let redirects = true;
    const headers = { location: `${elsewhere.url}/v1/projects/tidings-test/messages:send` };
    const { cluster, sink } = await start(() => (redirects ? { status: 307, headers } : undefined));
    await sendAll(cluster);
    await until(
      () => sink.requests.length,
      (count) => count > 1,
    );
    redirects = false;
    const history = await cluster.expectInvariants();
    expect(history.record.counts).toEqual({ sent: pushes });
    expect(history.copies).toHaveLength(pushes);
    expect(outcomesOf(history)).toEqual(['held', 'sent']);
    expect(history.record.messages.map(({ failures }) => failures)).toEqual(Array(pushes).fill(0));
    expect([elsewhere.requests.length, elsewhere.sessions.total]).toEqual([0, 0]);
  });

  longTest(
    'replies without end and a gzip bomb: little of them is read, and nothing is sent twice',
    async () => {
      const bomb = gzipSync(Buffer.alloc(50_000_000));
      const { cluster, sink, worker } = await start((count) => {
        if (count <= 8) return 'endless';
        const headers = { 'content-encoding': 'gzip' };
        return count <= 16 ? { status: 503, headers, body: bomb } : undefined;
      });
      const before = figuresAvailable ? residentBytes(worker) : 0;
      await sendAll(cluster);
      const { record, copies } = await cluster.expectInvariants();
      expect(record.counts).toEqual({ sent: pushes });
      expect(copies).toHaveLength(pushes);
      expect(sink.pouredBytes).toBeLessThan(8 * 1_000_000);
      const after = figuresAvailable ? residentBytes(worker) : 0;
      expect(after - before).toBeLessThan(150_000_000);
    },
  );
});
