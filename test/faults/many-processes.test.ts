import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { enginesOfTests } from '../support/engines.ts';
import { redisAvailable } from '../support/redis-server.ts';
import { type ScriptedSmtp, startScriptedSmtp } from '../support/scripted-smtp.ts';
import { until } from '../support/until.ts';
import { longTest } from './all.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { emailTo, freshKeys } from './recording-client.ts';

vi.setConfig({ testTimeout: 180_000 });

const ok = '250 2.0.0 Ok';

describe.skipIf(enginesOfTests !== 'postgres' && !redisAvailable)('workers on one queue', () => {
  const cleanUp: Array<() => Promise<unknown>> = [];
  let cluster: Cluster;
  let server: ScriptedSmtp;
  let atRecipient: (count: number, line: string) => string;
  let atBody: (count: number) => string;

  beforeEach(async () => {
    atRecipient = () => ok;
    atBody = () => ok;
    server = await startScriptedSmtp({
      rcpt: (count, line) => atRecipient(count, line),
      body: (count) => atBody(count),
    });
    cluster = await openCluster({ smtpUrl: server.url, received: server.messages, shared: true });
    cleanUp.push(server.stop, cluster.stop);
  });
  afterEach(async () => {
    for (const undo of cleanUp.splice(0).reverse()) await undo();
  });

  const onlyMessage = async () => (await cluster.record()).messages[0];

  test('one freezes after its body was taken, another is refused, the first wakes: it ends as sent', async () => {
    await cluster.startApi();
    const frozen = await cluster.startWorker();
    const from = Date.now();
    atBody = (count) => {
      if (count > 1) return '550 5.7.1 No';
      frozen.signal('SIGSTOP');
      return ok;
    };
    const [key = ''] = freshKeys(1);
    await cluster.client.sendSurely(key);
    await cluster.startWorker();
    await until(onlyMessage, (message) => message?.status === 'unknown', 30_000);
    frozen.signal('SIGCONT');
    cluster.note({ name: 'worker frozen', ambiguous: true, from });
    await until(onlyMessage, (message) => message?.status === 'sent', 30_000);
    const { record } = await cluster.expectInvariants();
    expect(record.messages[0]?.attempts.map(({ outcome }) => outcome)).toEqual(['sent', 'rejected']);
  });

  test('one freezes before its body, another sends, the first wakes and is refused: it stays sent', async () => {
    await cluster.startApi();
    const frozen = await cluster.startWorker();
    const from = Date.now();
    atRecipient = (count) => {
      if (count === 1) frozen.signal('SIGSTOP');
      return ok;
    };
    atBody = (count) => (count === 1 ? ok : '550 5.7.1 No');
    const [key = ''] = freshKeys(1);
    await cluster.client.sendSurely(key);
    await cluster.startWorker();
    await until(onlyMessage, (message) => message?.status === 'sent', 30_000);
    frozen.signal('SIGCONT');
    cluster.note({ name: 'worker frozen', ambiguous: true, from });
    await until(onlyMessage, (message) => message?.attempts[0]?.outcome === 'rejected', 30_000);
    const { record } = await cluster.expectInvariants();
    expect(record.messages).toMatchObject([{ status: 'sent', failures: 0 }]);
  });

  test('two relays and two reconcilers: each message is sent once', async () => {
    // An API without a queue: every message goes by way of the relays.
    await cluster.startApi({ env: { REDIS_URL: 'embedded' } });
    const keys = freshKeys(200);
    await Promise.all(keys.map((key) => cluster.client.sendSurely(key)));
    await Promise.all([cluster.startWorker(), cluster.startWorker()]);
    await Promise.all(freshKeys(200).map((key) => cluster.client.sendSurely(key)));
    await cluster.expectInvariants();
    expect(server.messages).toHaveLength(400);
  });

  /** Some now, some in two seconds, every fifth tried twice. */
  async function sendMixed(): Promise<void> {
    const tried = new Set<string>();
    atRecipient = (_, line) => {
      if (tried.has(line)) return ok;
      tried.add(line);
      return tried.size % 5 === 0 ? '451 4.3.0 Later' : ok;
    };
    for (const [index, key] of freshKeys(60).entries()) {
      const sendAt = new Date(Date.now() + 2000).toISOString();
      await cluster.client.sendSurely(key, emailTo(key, index % 3 === 0 ? { sendAt } : {}));
    }
  }

  const clockOf = (shiftMs: number) => ({
    env: { SHIFT_CLOCK_MS: `${shiftMs}` },
    nodeArgs: ['--import', './test/support/shift-clock.ts'],
  });

  test.each([
    ['five minutes ahead', 300_000],
    ['an hour behind', -3_600_000],
  ])('one whose clock is %s: everything is sent, nothing twice', async (_, shiftMs) => {
    await cluster.startApi();
    await cluster.startWorker();
    await cluster.startWorker(clockOf(shiftMs));
    await sendMixed();
    await cluster.expectInvariants();
    expect(server.messages).toHaveLength(60);
  });

  longTest('an API whose clock is five minutes ahead: nothing is lost or sent twice', async () => {
    await cluster.startApi(clockOf(300_000));
    await cluster.startWorker();
    await sendMixed();
    await cluster.expectInvariants();
    expect(server.messages).toHaveLength(60);
  });
});
