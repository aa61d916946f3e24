import { afterEach, describe, expect, test, vi } from 'vitest';
import { enginesOfTests } from '../support/engines.ts';
import { redisAvailable } from '../support/redis-server.ts';
import { type ScriptedSmtp, type SmtpScript, startScriptedSmtp } from '../support/scripted-smtp.ts';
import { startSmtpSink } from '../support/smtp-sink.ts';
import { startToxicProxy } from '../support/toxic-proxy.ts';
import { until } from '../support/until.ts';
import { onlyIfAll, runsAll } from './all.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { copiesOf } from './read-history.ts';
import { freshKeys } from './recording-client.ts';

vi.setConfig({ testTimeout: 180_000 });

const cleanUp: Array<() => Promise<unknown>> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

const messages = 20;
const badTimes = 4;

async function clusterOn(server: ScriptedSmtp, port = server.port): Promise<Cluster> {
  const cluster = await openCluster({ smtpUrl: `smtp://127.0.0.1:${port}`, received: server.messages });
  cleanUp.push(server.stop, cluster.stop);
  await cluster.startApi();
  await cluster.startWorker();
  return cluster;
}

/** Badly the first few times, then as usual. */
const atFirst = (bad: string, well: string) => (count: number) => (count <= badTimes ? bad : well);
const garbage = `\u0000\u0007${'\u00ff\u00fe'.repeat(50)}`;

describe('a mail server that misbehaves', () => {
  test.skipIf(!runsAll).each<[string, SmtpScript]>([
    ['closes before its greeting', { greeting: atFirst('drop', '220 hello') }],
    ['greets with garbage', { greeting: atFirst(garbage, '220 hello') }],
    ['greets with a reply of 64 kB', { greeting: atFirst('x'.repeat(70_000), '220 hello') }],
    ['answers EHLO with garbage', { ehlo: atFirst(garbage, '250 hello') }],
    ['answers a recipient with garbage', { rcpt: atFirst(garbage, '250 ok') }],
    ['answers a recipient with 64 kB', { rcpt: atFirst(`250-${'x'.repeat(70_000)}`, '250 ok') }],
    ['closes instead of taking a body', { data: atFirst('drop', '354 go on') }],
    ['closes in the middle of a body', { bodyStart: atFirst('drop', 'silence') }],
  ])('%s: all are sent once when it is well again', async (name, script) => {
    const from = Date.now();
    const server = await startScriptedSmtp(script);
    const cluster = await clusterOn(server);
    for (const key of freshKeys(messages)) await cluster.client.sendSurely(key);
    cluster.note({ name, ambiguous: false, from });
    const { record } = await cluster.expectInvariants();
    expect(record.counts).toEqual({ sent: messages });
    expect(server.messages).toHaveLength(messages);
  });

  test.each<[string, SmtpScript]>([
    ['closes', { body: atFirst('drop', '250 2.0.0 Ok') }],
    ...onlyIfAll<[string, SmtpScript]>(['says garbage', { body: atFirst(garbage, '250 2.0.0 Ok') }]),
    ...onlyIfAll<[string, SmtpScript]>([
      'says 64 kB',
      { body: atFirst(`250-${'x'.repeat(70_000)}`, '250 2.0.0 Ok') },
    ]),
  ])(
    '%s after a body: that message is in doubt and sent again, the same to the octet',
    async (name, script) => {
      const server = await startScriptedSmtp(script);
      const cluster = await clusterOn(server);
      for (const key of freshKeys(messages)) await cluster.client.sendSurely(key);
      await until(
        () => server.messages.length,
        (count) => count >= badTimes,
      );
      for (const { messageId } of copiesOf(server.messages.slice(0, badTimes)))
        cluster.note({ name, ambiguous: true, messageIds: [messageId] });
      await cluster.expectInvariants();
      expect(server.messages).toHaveLength(messages + badTimes);
    },
  );

  test('one octet a second: nothing is sent twice, and all go out once it is quick again', async () => {
    const server = await startScriptedSmtp();
    const proxy = await startToxicProxy(server.port);
    cleanUp.push(proxy.stop);
    proxy.poison({ sliceBytes: 1, sliceDelayMs: 1000 });
    const cluster = await clusterOn(server, proxy.port);
    const from = Date.now();
    for (const key of freshKeys(messages)) await cluster.client.sendSurely(key);
    await until(
      () => Date.now() - from,
      (passedMs) => passedMs > 5000,
    );
    expect(server.messages).toHaveLength(0);
    proxy.heal();
    // Those that crawl would crawl on.
    proxy.reset();
    cluster.note({ name: 'one octet a second', ambiguous: false, from });
    await cluster.expectInvariants();
    expect(server.messages).toHaveLength(messages);
  });
});

test.skipIf(enginesOfTests !== 'postgres' && !redisAvailable)(
  'a reply that takes three times the lease: the lease is renewed, and each is sent once, in one attempt',
  async () => {
    const sink = await startSmtpSink({ acceptDelayMs: 6000 });
    const cluster = await openCluster({ smtpUrl: sink.url, received: sink.received, shared: true });
    cleanUp.push(sink.stop, cluster.stop);
    await cluster.startApi();
    await Promise.all([cluster.startWorker(), cluster.startWorker()]);
    for (const key of freshKeys(10)) await cluster.client.sendSurely(key);
    const { record } = await cluster.expectInvariants();
    expect(sink.received).toHaveLength(10);
    for (const { attempts } of record.messages) expect(attempts).toHaveLength(1);
  },
);
