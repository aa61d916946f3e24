import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Child } from '../support/child.ts';
import { enginesOfTests } from '../support/engines.ts';
import { fileSizeLimitAvailable, limitFileSize } from '../support/file-size-limit.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { startSmtpSink } from '../support/smtp-sink.ts';
import { until } from '../support/until.ts';
import { runsAll } from './all.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { startLoad } from './load.ts';

vi.setConfig({ testTimeout: 120_000 });

const resumesWithinMs = 5000;

const cleanUp: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

interface Full {
  fill(processes: Child[]): void;
  empty(processes: Child[]): void;
}

/**
 * Under load: what cannot be stored is refused by 503 with Retry-After; what was on its way to the mail server is
 * recorded once there is room; and then mail goes out again within five seconds, without a restart.
 */
async function survivesFullDisk({ fill, empty }: Full, record?: string): Promise<void> {
  const sink = await startSmtpSink({ acceptDelayMs: 100 });
  const databaseUrl = record && `file:${record}`;
  const cluster: Cluster = await openCluster({ smtpUrl: sink.url, received: sink.received, databaseUrl });
  cleanUp.push(sink.stop, cluster.stop);
  const processes = [await cluster.startApi(), await cluster.startWorker()];
  const load = startLoad(cluster.client, { pauseMs: 100 });
  await sink.waitFor(30, 30_000);
  const from = Date.now();
  fill(processes);
  const refused = () => load.answers.filter(({ status, at }) => status === 503 && at > from);
  await until(
    () => refused().length,
    (count) => count >= 20 && Date.now() - from > 4000,
    60_000,
  );
  empty(processes);
  const backAt = Date.now();
  cluster.note({ name: 'disk full', ambiguous: false, from, to: backAt });
  await until(
    () => sink.received.at(-1)?.at ?? 0,
    (at) => at > backAt + 300,
    resumesWithinMs,
  );
  for (const { retryAfter } of refused()) expect(Number(retryAfter)).toBeGreaterThan(0);
  expect([...new Set(load.answers.map(({ status }) => status))].toSorted()).toEqual([202, 503]);
  await load.stop();
  const { copies } = await cluster.expectInvariants({ drain: { from: backAt, withinMs: 30_000 } });
  expect(copies).toHaveLength(load.answers.length);
  const file = new Sqlite(record ?? join(cluster.env.DATA_DIR ?? '', 'tidings.db'));
  expect(file.pragma('integrity_check', { simple: true })).toBe('ok');
  file.close();
  console.log(
    `disk full: ${load.answers.length} accepted, ${refused().length} refused, ${copies.length} copies`,
  );
}

const onSqlite = enginesOfTests.endsWith('sqlite');

describe.skipIf(!onSqlite)('the disk of the record is full', () => {
  test.skipIf(!fileSizeLimitAvailable)('nothing can be written, until there is room', () =>
    survivesFullDisk({
      fill: (processes) => {
        for (const child of processes) limitFileSize(child, 4096);
      },
      empty: (processes) => {
        for (const child of processes) limitFileSize(child, 'unlimited');
      },
    }),
  );

  test.skipIf(!runsAll)('a filesystem without a free octet, until there is room', async (context) => {
    const disk = mountSmallDisk(16);
    if (disk === undefined) return context.skip('mounting is not permitted here');
    cleanUp.push(disk.remove);
    await survivesFullDisk(disk, join(disk.path, 'tidings.db'));
  });
});
