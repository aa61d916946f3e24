import { join } from 'node:path';
import type Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPgliteRecord } from '../../../test/support/pglite-record.ts';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { acceptItem } from './accept-item.fixture.ts';
import { copiesOf, delivered, newEvent, rejected, retry, settlement } from './copies.fixture.ts';
import { createStore, type Database, openSqlite, type Store } from './index.ts';

/** A record that tells how it runs what it is asked. */
interface Explained {
  database: Database;
  /** The plans of all statements but inserts that were run since the last call, a line each. */
  plans(): Promise<string[]>;
}

/** The plan depends on what is known of a value only on Postgres. */
const unbound = (text: string) => Array.from(text.matchAll(/\?/g), () => null);
const isPlanned = (text: string) => /^(select|update|delete)/i.test(text);

function explainSqlite(path: string): Explained {
  const database = openSqlite({ path });
  const { $client: client } = database.handle as unknown as { $client: Sqlite.Database };
  const prepare = client.prepare.bind(client);
  let seen: string[] = [];
  client.prepare = ((text: string) => {
    seen.push(text);
    return prepare(text);
  }) as typeof client.prepare;
  return {
    database,
    plans: async () => {
      const texts = seen.filter(isPlanned);
      seen = [];
      return texts.flatMap((text) =>
        (prepare(`EXPLAIN QUERY PLAN ${text}`).all(...unbound(text)) as Array<{ detail: string }>).map(
          ({ detail }) => detail,
        ),
      );
    },
  };
}

async function explainPglite(): Promise<Explained> {
  let seen: Array<{ text: string; values: unknown[] }> = [];
  const { database, query } = await openPgliteRecord({
    onStatement: (text, values) => seen.push({ text, values }),
  });
  // In a table as small as that of a test a walk over all of it is the quickest.
  await query('SET enable_seqscan = off');
  return {
    database,
    plans: async () => {
      const statements = seen.filter(({ text }) => isPlanned(text));
      const lines: string[] = [];
      for (const { text, values } of statements) {
        const rows = await query(`EXPLAIN (COSTS OFF) ${text}`, values);
        lines.push(...rows.map((row) => String(row['QUERY PLAN'])));
      }
      seen = [];
      return lines;
    },
  };
}

const { path: dir, remove } = tempDir();
afterAll(remove);

describe.each([
  { dialect: 'SQLite', open: async () => explainSqlite(join(dir, 'plans.db')) },
  { dialect: 'Postgres (PGlite)', open: explainPglite },
])('on $dialect, with much waiting', ({ dialect, open }) => {
  let explained: Explained;
  let store: Store;
  const ids: string[] = [];

  beforeAll(async () => {
    explained = await open();
    store = createStore(explained.database);
    for (let project = 0; project < 20; project += 1) {
      const projectId = `prj_${project}`;
      await store.ensureProject({ id: projectId, key: projectId });
      const places = ['store', 'store', 'store', 'queue'] as const;
      const items = Array.from({ length: 100 }, (_, index) =>
        acceptItem({ projectId, message: { projectId, place: places[index % places.length] } }),
      );
      await store.accept(items);
      ids.push(...items.flatMap(({ messages }) => messages.map(({ id }) => id)));
    }
  });
  afterAll(() => explained.database.close());

  async function plansOf(run: () => Promise<unknown>): Promise<string> {
    await explained.plans();
    await run();
    const plans = await explained.plans();
    expect(plans).not.toEqual([]);
    return plans.join('\n');
  }

  const lane = { channel: 'email', lane: 'normal', lookaheadMs: 0 } as const;
  const some = () => ids.slice(0, 8);

  test('what is let into the window is found where its project, lane and time say', async () => {
    const plans = await plansOf(() =>
      store.enterWindow({ ...lane, rooms: [{ projectId: 'prj_3', limit: 5 }] }),
    );
    expect(plans).toMatch(
      dialect === 'SQLite'
        ? /COVERING INDEX messages_waiting \(place=\? AND channel=\? AND lane=\? AND project_id=\? AND due_at<\?\)/
        : /Index Cond: \(\(place = .*channel = .*lane = .*project_id = .*due_at <= /,
    );
    expect(plans).not.toMatch(/^\s*(SCAN messages|(->)?\s*Seq Scan on messages|USE TEMP B-TREE|Sort)/m);
  });

  test('the walk from project to project is a search each, and the window is counted in the order of its index', async () => {
    const plans = await plansOf(() => store.laneStates({ lookaheadMs: 0 }));
    // Postgres leaves the step of a recursion out of what it explains.
    if (dialect === 'SQLite')
      expect(plans).toMatch(/place=\? AND channel=\? AND lane=\? AND project_id>\?\)/);
    expect(plans).toMatch(/project_id(=\?| = hop.project_id)\)/);
    expect(plans).not.toMatch(/SCAN messages|Seq Scan on messages|GROUP BY/);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['a look after those that are watched', () => store.stillWaiting(some())],
    ['a claim', () => store.claim({ ids: some(), token: 't', owner: 'o', leaseMs: 60_000 })],
    ['new jobs', () => store.renewJobs(some())],
    ['what leaves the window', () => store.leaveWindow(some())],
    ['a message that is parked', () => store.parkMessage(ids[0] ?? '')],
    ['a cancel', () => store.cancel('prj_0', (ids[0] ?? '').replace(/^msg_(.*)0$/, 'ntf_$1'))],
    ['a replay', () => store.replay(some())],
    ['what is hastened', () => store.hasten(some())],
    ['what is overdue', () => store.overdue({ graceMs: 0, limit: 10, cursor: { dueAt: 1, id: 'msg_1' } })],
    ['the whole window', () => store.overdue({ graceMs: 0, limit: 10, all: true })],
    ['what has expired', () => store.findExpired(10)],
    ['what a dead worker had', () => store.endLeasesOf('dead')],
  ])('%s walks over no table', async (_, run) => {
    expect(await plansOf(run)).not.toMatch(/SCAN messages$|SCAN messages USING|Seq Scan on messages/m);
  });

  test('a backlog is counted on the index of what is open', async () => {
    expect(await plansOf(() => store.hasBacklogOver(100))).toMatch(/messages_expiring/);
  });

  describe('of copies', () => {
    let of: ReturnType<typeof copiesOf>;
    let subscriptionId: string;
    let orderedId: string;
    let copyIds: string[];

    beforeAll(async () => {
      of = copiesOf(explained.database, 'prj_0');
      subscriptionId = await of.subscribe({ filter: 'true' });
      orderedId = await of.subscribe({ ordered: true });
      copyIds = await of.queued(subscriptionId, 100);
    });

    const claim = () => store.claimCopies({ ids: copyIds.slice(0, 8), token: 't', owner: 'o', leaseMs: -1 });
    const settle = (index: number, verdict: Parameters<typeof settlement>[1]) =>
      store.settleCopies([settlement(copyIds[index] ?? '', verdict, 't')]);

    test.each<[string, () => Promise<unknown>]>([
      ['a fan-out', () => store.publish([newEvent('prj_0')]).then(() => of.fanOut())],
      ['their states', () => store.copyStates({ lookaheadMs: 0 })],
      ['what is let into the window', () => of.enter(subscriptionId)],
      ['the next in order', () => of.enter(orderedId)],
      ['a claim, and one after a dead worker', () => claim().then(claim)],
      ['a claim that is refused', () => of.change(subscriptionId, { status: 'paused' }).then(claim)],
      ['a delivery', () => settle(0, delivered)],
      ['a failure', () => settle(1, rejected)],
      ['another try', () => settle(2, retry())],
      ['a late delivery', () => store.settleCopies([settlement(copyIds[1] ?? '', delivered, 'o')])],
      ['a resend', () => store.resendCopies('prj_0', copyIds.slice(0, 8))],
      [
        'those of earlier events',
        () => store.makeCopies('prj_0', { subscriptionId, eventIds: ['evt_1', 'evt_2'] }),
      ],
      ['what is overdue', () => store.overdueCopies({ graceMs: 0, limit: 10 })],
      ['new jobs', () => store.renewCopyJobs(copyIds.slice(0, 8))],
      ['what leaves the window', () => store.leaveCopyWindow(copyIds.slice(0, 8))],
      ['what is hastened', () => store.hastenCopies(copyIds.slice(0, 8))],
      ['what a dead worker had', () => store.endCopyLeasesOf('o')],
      ['those of events', () => store.copiesOf(['evt_1', 'evt_2'])],
      ['those that failed', () => store.listCopies('prj_0', { limit: 5, status: 'failed' })],
      ['those of a consumer', () => store.listCopies('prj_0', { limit: 5, subscriptionId })],
    ])('%s walks over no table', async (_, run) => {
      expect(await plansOf(run)).not.toMatch(
        /SCAN (copies|events|copy_attempts|subscriptions)$|SCAN (copies|events|subscriptions) USING|Seq Scan on (copies|events)/m,
      );
    });
  });
});
