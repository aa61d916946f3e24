import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { enginesOfTests } from '../support/engines.ts';
import { type ReceivedMail, startSmtpSink } from '../support/smtp-sink.ts';
import { framesOfWal } from '../support/sqlite-wal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { longTest } from './all.ts';
import { openCluster } from './cluster.ts';
import type { ClientRequest } from './history.ts';
import { copiesOf } from './read-history.ts';
import { freshKeys } from './recording-client.ts';

vi.setConfig({ testTimeout: 120_000 });

/** What a power failure may leave of a log whose last octets were on their way to the disk. */
const cuts: Record<string, (wal: string) => void> = {
  'cut in the middle of a frame': (wal) => cutAt(wal, 0.5),
  'cut within its last frame': (wal) => cutAt(wal, 1),
  'cut within its first frame': (wal) => cutAt(wal, 0),
  'cut within its header': (wal) => truncateSync(wal, 20),
  emptied: (wal) => truncateSync(wal, 0),
  gone: (wal) => rmSync(wal),
  'with an octet of the middle changed': (wal) => {
    const { offsets, frameBytes } = framesOfWal(wal);
    const octets = readFileSync(wal);
    const at = (offsets[offsets.length >> 1] ?? 0) + (frameBytes >> 1);
    octets.writeUInt8(octets.readUInt8(at) ^ 0xff, at);
    writeFileSync(wal, octets);
  },
};

/** In the middle of that frame of those that count. */
function cutAt(wal: string, part: number): void {
  const { offsets, frameBytes } = framesOfWal(wal);
  const offset = offsets[Math.round(part * (offsets.length - 1))] ?? 0;
  truncateSync(wal, offset + (frameBytes >> 1));
}

describe.skipIf(!enginesOfTests.endsWith('sqlite'))('the write-ahead log of the record is damaged', () => {
  const ends: Array<() => Promise<unknown> | unknown> = [];
  const cleanUp: Array<() => Promise<unknown> | unknown> = [];
  /** Where the files lie as the killed processes left them, what the client was told, and what was sent. */
  let files: string;
  let requests: ClientRequest[];
  let sent: ReceivedMail[];

  beforeAll(async () => {
    const dir = tempDir();
    const sink = await startSmtpSink({ acceptDelayMs: 20 });
    const cluster = await openCluster({ smtpUrl: sink.url, received: sink.received });
    ends.push(dir.remove, sink.stop, cluster.stop);
    files = dir.path;
    const processes = [await cluster.startApi(), await cluster.startWorker()];
    // One after the other, so that the order of the answers is that of the commits.
    for (const key of freshKeys(150)) await cluster.client.send(key);
    await sink.waitFor(40);
    await Promise.all(processes.map((child) => child.end('SIGKILL')));
    for (const name of ['tidings.db', 'tidings.db-wal'])
      cpSync(join(cluster.env.DATA_DIR ?? '', name), join(files, name));
    requests = cluster.client.requests.filter(({ status }) => status === 202);
    sent = sink.received;
    expect(requests).toHaveLength(150);
  });
  afterAll(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  afterEach(async () => {
    for (const undo of cleanUp.splice(0).reverse()) await undo();
  });

  /** A copy of the files with that done to the log. Answers the record's path. */
  function damaged(cut: (wal: string) => void): string {
    const dir = tempDir();
    cleanUp.push(dir.remove);
    cpSync(files, dir.path, { recursive: true });
    const path = join(dir.path, 'tidings.db');
    cut(`${path}-wal`);
    return path;
  }

  /** The notifications on record, of those that were accepted, and the messages that are sent. */
  function readRows(path: string) {
    const file = new Sqlite(path);
    const column = <Value>(query: string) => file.prepare(query).pluck().all() as Value[];
    const found = {
      integrity: file.pragma('integrity_check', { simple: true }),
      strays: column(`SELECT id FROM notifications WHERE id NOT IN (SELECT notification_id FROM messages)
        UNION ALL SELECT id FROM messages WHERE notification_id NOT IN (SELECT id FROM notifications)
        UNION ALL SELECT message_id FROM attempts WHERE message_id NOT IN (SELECT id FROM messages)
        UNION ALL SELECT id FROM messages WHERE attempt <>
          (SELECT count(*) FROM attempts WHERE attempts.message_id = messages.id)`),
      notifications: new Set(column<string>('SELECT id FROM notifications')),
      sent: new Set(column<string>(`SELECT id FROM messages WHERE status = 'sent'`)),
    };
    file.close();
    return found;
  }

  test.each(Object.keys(cuts))('%s: it opens, is whole, and what it holds was accepted first', (name) => {
    const whole = readRows(damaged(() => {}));
    const { integrity, strays, notifications } = readRows(damaged(cuts[name] ?? (() => {})));
    expect([integrity, strays]).toEqual(['ok', []]);
    const accepted = requests.map(({ notificationId = '' }) => notificationId);
    expect(whole.notifications).toEqual(new Set(accepted));
    expect([...notifications].toSorted()).toEqual(accepted.slice(0, notifications.size).toSorted());
  });

  /** Starts again on what is left: what was stored before the cut ends, once, and new messages go out. */
  async function goesOn(name: string): Promise<void> {
    const path = damaged(cuts[name] ?? (() => {}));
    const left = readRows(path);
    // What was taken before and is forgotten is sent again, and nobody can know: those mails are left out.
    const received = sent.filter((mail) => left.sent.has(copiesOf([mail])[0]?.messageId ?? ''));
    const before = received.length;
    const sink = await startSmtpSink({ received });
    const cluster = await openCluster({ smtpUrl: sink.url, received, databaseUrl: `file:${path}` });
    cleanUp.push(sink.stop, cluster.stop);
    // Nor does the checker hear of answers whose commit was cut.
    const kept = requests.filter(({ notificationId = '' }) => left.notifications.has(notificationId));
    cluster.client.requests.push(...kept);
    await cluster.startApi();
    await cluster.startWorker();
    for (const key of freshKeys(20)) await cluster.client.sendSurely(key);
    const { record, copies } = await cluster.expectInvariants();
    expect(record.counts).toEqual({ sent: kept.length + 20 });
    expect(copies).toHaveLength(kept.length + 20);
    console.log(
      `${name}: ${kept.length} of 150 kept, ${before} of them sent before, ${copies.length} copies`,
    );
  }

  longTest('cut in the middle of a frame: what is left goes out', () =>
    goesOn('cut in the middle of a frame'),
  );
  longTest('emptied: what is left goes out', () => goesOn('emptied'));
  longTest('cut within its last frame: what is left goes out', () => goesOn('cut within its last frame'));
});
