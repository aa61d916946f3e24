import { afterEach, expect, test, vi } from 'vitest';
import { type Child, startProgram } from '../support/child.ts';
import { enginesOfTests } from '../support/engines.ts';
import { checkOutOlderVersion } from '../support/older-version.ts';
import { redisAvailable } from '../support/redis-server.ts';
import { startSmtpSink } from '../support/smtp-sink.ts';
import { runsAll } from './all.ts';
import { openCluster } from './cluster.ts';
import { createRecordingClient, freshKeys } from './recording-client.ts';

vi.setConfig({ testTimeout: 180_000 });

const cleanUp: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

const isShared = enginesOfTests === 'postgres' || redisAvailable;

test.skipIf(!runsAll || !isShared)(
  'the version before the newest migration beside this one: equal keys have equal answers, each message is sent once',
  async (context) => {
    const older = checkOutOlderVersion();
    if (older === undefined) return context.skip('this clone has no history');
    const sink = await startSmtpSink({ acceptDelayMs: 20 });
    const cluster = await openCluster({ smtpUrl: sink.url, received: sink.received, shared: true });
    cleanUp.push(older.remove, sink.stop, cluster.stop);
    const { client, env } = cluster;

    async function startOlder(role: string): Promise<Child> {
      const { REDIS_URL: _queue, DATABASE_URL: _record, ...inherited } = process.env;
      const command = [process.execPath, 'tidings.mjs', role];
      const child = startProgram(command, { cwd: older?.dir ?? '', env: { ...inherited, ...env } });
      cleanUp.push(() => child.end());
      await child.printed(/"msg":"(ready|listening)/);
      return child;
    }
    const olderApi = await startOlder('api');
    const [, url] = await olderApi.printed(/"url":"(http:[^"]+)"/);
    const apiKey = env.TIDINGS_API_KEY ?? '';
    const olderClient = createRecordingClient({ urlOf: () => url, apiKey });
    const olderWorker = await startOlder('workers');
    await cluster.startApi();
    await cluster.startWorker();

    /** Each key at one version, and every second at the other too. */
    async function sendBoth(count: number): Promise<void> {
      for (const [index, key] of freshKeys(count).entries()) {
        const [first, second] = index % 4 < 2 ? [client, olderClient] : [olderClient, client];
        await first.sendSurely(key);
        if (index % 2 === 0) await second.sendSurely(key);
      }
    }
    await Promise.all([sendBoth(100), sendBoth(100), sendBoth(100)]);
    // The end of an upgrade: what the older one had in hand is sent, and the rest is the newer one's.
    const half = sendBoth(100);
    const codes = await Promise.all([olderWorker.end('SIGTERM')]);
    await half;
    codes.push(await olderApi.end('SIGTERM'));
    expect(codes).toEqual([0, 0]);
    client.requests.push(...olderClient.requests);
    const { record, copies } = await cluster.expectInvariants();
    expect(record.counts).toEqual({ sent: 400 });
    expect(copies).toHaveLength(400);
    const byOlder = olderClient.requests.length;
    console.log(
      `beside ${older.name}: ${client.requests.length} answers, ${byOlder} by it, 400 accepted, 400 copies`,
    );
  },
);
