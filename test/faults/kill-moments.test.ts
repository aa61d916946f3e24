import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Child } from '../support/child.ts';
import { type ScriptedSmtp, type SmtpScript, startScriptedSmtp } from '../support/scripted-smtp.ts';
import { until } from '../support/until.ts';
import { longTest, onlyIfAll } from './all.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { emailTo, freshKeys } from './recording-client.ts';

vi.setConfig({ testTimeout: 180_000 });

const cleanUp: Array<() => Promise<unknown>> = [];
let cluster: Cluster;
let server: ScriptedSmtp;
/** What the server is told to do at its own moments; looked up when it is reached. */
let script: SmtpScript;

beforeEach(async () => {
  script = {};
  const late = (stage: 'rcpt' | 'bodyStart' | 'body', otherwise: string) => (count: number, line: string) => {
    const entry = script[stage] ?? otherwise;
    return typeof entry === 'string' ? entry : entry(count, line);
  };
  server = await startScriptedSmtp({
    rcpt: late('rcpt', '250 2.1.5 Ok'),
    bodyStart: late('bodyStart', 'silence'),
    body: late('body', '250 2.0.0 Ok'),
  });
  cluster = await openCluster({ smtpUrl: server.url, received: server.messages });
  cleanUp.push(server.stop, cluster.stop);
});
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

const messages = 8;
/** One job at a time, so that everybody but the third message is out of it. */
const oneAtATime = { concurrency: 1 };

/**
 * Sends all, dies, starts the API again, asks again under the same keys. Answers what the third request was told,
 * which is the one at whose moment it died.
 */
async function sendThroughDeath(api: Child): Promise<number | undefined> {
  const keys = freshKeys(messages);
  const first = [];
  for (const key of keys) first.push(await cluster.client.send(key));
  await api.exited;
  cluster.note({ name: 'API killed', ambiguous: false });
  await cluster.startApi();
  // All of them, not only the unanswered: an answer given twice must be the same.
  for (const key of keys) await cluster.client.sendSurely(key);
  return first[2]?.status;
}

/** All copies of all messages: one each, but for those that may have two. */
function copies(): number[] {
  const byBody = Map.groupBy(server.messages, ({ recipients }) => recipients.join());
  return [...byBody.values()].map((theirs) => theirs.length).toSorted((a, b) => b - a);
}

const onceEach = Array.from({ length: messages }, () => 1);
const oneTwice = [2, ...onceEach.slice(1)];

describe('the API is killed', () => {
  test.each([
    ...onlyIfAll(['M1', 'inside the accepting commit, before its messages', 'M1:5']),
    ['M1', 'inside the accepting commit, after its messages', 'M1:6'],
    ['M2', 'committed, no answer', 'M2:3'],
  ])('%s, %s: one notification, one copy, and the repeat gets its id', async (_, __, failpoint) => {
    await cluster.startWorker();
    expect(await sendThroughDeath(await cluster.startApi({ failpoint }))).toBeUndefined();
    await cluster.expectInvariants();
    expect(copies()).toEqual(onceEach);
    expect((await cluster.record()).notifications).toHaveLength(messages);
  });

  test.each([['M3', 'answered, not enqueued'], ...onlyIfAll(['M4', 'enqueued, not noted'])])(
    '%s, %s: one notification, one copy, and the repeat gets its id',
    async (moment) => {
      // Whoever has a queue gives the jobs: the API's fast path, or the relay of the only worker.
      if (cluster.sharesQueue) {
        await cluster.startWorker();
        const status = await sendThroughDeath(await cluster.startApi({ failpoint: `${moment}:3` }));
        if (moment === 'M3') expect(status).toBe(202);
      } else {
        await cluster.startApi();
        const worker = await cluster.startWorker({ failpoint: moment });
        for (const key of freshKeys(messages)) await cluster.client.sendSurely(key);
        await worker.exited;
        cluster.note({ name: 'relay killed', ambiguous: false });
        await cluster.startWorker();
      }
      await cluster.expectInvariants();
      expect(copies()).toEqual(onceEach);
    },
  );
});

describe('a worker is killed', () => {
  /** Sends all to a worker that dies; starts another; everything ends. */
  async function dieAndGoOn(
    name: string,
    { failpoint, ambiguous }: { failpoint?: string; ambiguous: boolean },
  ): Promise<void> {
    await cluster.startApi();
    const worker = await cluster.startWorker({ failpoint, tuning: oneAtATime });
    strike = () => worker.signal('SIGKILL');
    for (const key of freshKeys(messages)) await cluster.client.sendSurely(key);
    await worker.exited;
    cluster.note({ name, ambiguous });
    await cluster.startWorker();
    await cluster.expectInvariants();
  }
  let strike: () => void;

  longTest('M5, with the job active and not claimed: one copy', async () => {
    await dieAndGoOn('M5', { failpoint: 'M5:3', ambiguous: false });
    expect(copies()).toEqual(onceEach);
  });

  test('M6, claimed and nothing sent: one copy, and the attempt is on record as lost', async () => {
    await dieAndGoOn('M6', { failpoint: 'M6:3', ambiguous: false });
    expect(copies()).toEqual(onceEach);
    const { messages: rows } = await cluster.record();
    const lost = rows.filter(({ attempts }) => attempts.some(({ outcome }) => outcome === 'lost'));
    expect(lost).toMatchObject([{ status: 'sent', failures: 0, attempts: [{}, { outcome: 'sent' }] }]);
  });

  longTest('M7, in the middle of the body: one copy, the server never had another whole one', async () => {
    script.bodyStart = (count) => {
      if (count !== 3) return 'silence';
      strike();
      return 'drop';
    };
    await dieAndGoOn('M7', { ambiguous: false });
    expect(copies()).toEqual(onceEach);
  });

  test('M8, the body complete and no reply: two copies of one identity', async () => {
    script.body = (count) => {
      if (count !== 3) return '250 2.0.0 Ok';
      strike();
      return 'silence';
    };
    await dieAndGoOn('M8', { ambiguous: true });
    expect(copies()).toEqual(oneTwice);
  });

  longTest('M9, the reply read and not committed: two copies of one identity', async () => {
    await dieAndGoOn('M9', { failpoint: 'M9:3', ambiguous: true });
    expect(copies()).toEqual(oneTwice);
  });

  test('M10, committed and the job not completed: nothing is sent again', async () => {
    await dieAndGoOn('M10', { failpoint: 'M10:3', ambiguous: false });
    expect(copies()).toEqual(onceEach);
  });

  test('M11, waiting for a retry and for its time: both are delivered, once', async () => {
    script.rcpt = (count) => (count === 1 ? '451 4.3.0 Later' : '250 2.1.5 Ok');
    await cluster.startApi();
    const patient = { policy: { maxFailures: 4, baseMs: 4000, capMs: 4000 } };
    const worker = await cluster.startWorker({ tuning: patient });
    const [first = '', second = ''] = freshKeys(2);
    await cluster.client.sendSurely(first);
    await until(
      () => cluster.record(),
      (record) => record.messages.some(({ status }) => status === 'retrying'),
    );
    const sendAt = new Date(Date.now() + 3000).toISOString();
    await cluster.client.sendSurely(second, emailTo(second, { sendAt }));
    await worker.end('SIGKILL');
    cluster.note({ name: 'M11', ambiguous: false });
    await cluster.startWorker({ tuning: patient });
    const { record } = await cluster.expectInvariants();
    expect(record.counts).toEqual({ sent: 2 });
    expect(copies()).toEqual([1, 1]);
  });

  longTest(
    '30 times with the same job, claimed or not: it completes, no budget and no stall counter ends it',
    async () => {
      const kills = 30;
      await cluster.startApi();
      const [key = ''] = freshKeys(1);
      await cluster.client.sendSurely(key);
      const brisk = { leaseMs: 500, renewMs: 200, lockMs: 800, stalledMs: 400, graceMs: 500 };
      for (let kill = 0; kill < kills; kill += 1) {
        const worker = await cluster.startWorker({ failpoint: kill % 2 === 0 ? 'M6' : 'M5', tuning: brisk });
        await worker.exited;
        cluster.note({ name: `kill ${kill + 1}`, ambiguous: false });
      }
      await cluster.startWorker({ tuning: brisk });
      const { record } = await cluster.expectInvariants();
      expect(record.messages).toMatchObject([{ status: 'sent', failures: 0 }]);
      expect(record.messages[0]?.attempts).toHaveLength(kills / 2 + 1);
      expect(copies()).toEqual([1]);
    },
    400_000,
  );
});
