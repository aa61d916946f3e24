import { eq, sql } from 'drizzle-orm';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emptyTables, openPgliteRecord } from '../../../test/support/pglite-record.ts';
import {
  postgresAvailable,
  startPostgres,
  type TestPostgres,
} from '../../../test/support/postgres-server.ts';
import { until } from '../../../test/support/until.ts';
import { acceptItem } from './accept-item.fixture.ts';
import { rows } from './database.ts';
import { everyDialectKeepsTheContracts } from './every-dialect.contract.ts';
import {
  type AcceptItem,
  addressHash,
  createStore,
  type Database,
  DatabaseUnreachableError,
  openPostgres,
  type Store,
} from './index.ts';
import { suppressing } from './suppressing.fixture.ts';

describe('on PGlite', () => {
  let record: Awaited<ReturnType<typeof openPgliteRecord>>;
  beforeAll(async () => {
    record = await openPgliteRecord();
  });
  afterAll(() => record.database.close());

  const openEmpty = async () => {
    await record.empty();
    return { ...record.database, close: async () => {} };
  };
  everyDialectKeepsTheContracts('Postgres (PGlite)', openEmpty);
});

describe.skipIf(!postgresAvailable)('on a server', () => {
  let server: TestPostgres;
  let admin: pg.Pool;
  beforeAll(async () => {
    server = await startPostgres({ settings: ['deadlock_timeout=50ms'] });
    admin = new pg.Pool({ connectionString: server.url() });
    admin.on('error', () => {});
  });
  afterAll(async () => {
    await admin.end();
    await server.stop();
  });

  const openEmpty = async () => {
    const database = await openPostgres({ url: server.url() });
    await emptyTables(admin);
    return database;
  };
  everyDialectKeepsTheContracts('Postgres', openEmpty);

  const made: Database[] = [];
  async function open(options: { poolSize?: number; statementMs?: number; url?: string } = {}) {
    const database = await openPostgres({ url: server.url(), connectMs: 500, ...options });
    made.push(database);
    return database;
  }
  afterAll(() => Promise.all(made.map((database) => database.close())));

  test('several processes may bring one database up to date at once', async () => {
    const url = await server.createDatabase('fresh');
    const all = await Promise.all(Array.from({ length: 8 }, () => open({ url })));
    for (const database of all) {
      expect(await database.handle.select().from(database.tables.projects)).toEqual([]);
    }
  });

  test('a commit that a deadlock undid runs again and succeeds', async () => {
    const database = await open();
    const store = createStore(database);
    const { sequences } = database.tables;
    await Promise.all(['one', 'two'].map((name) => store.raiseSequence(name, 1)));
    const add = `UPDATE sequences SET value = value + 10 WHERE name =`;
    const other = await admin.connect();
    // The one that looks for deadlocks is the one that is undone: let it be ours.
    await other.query(`SET deadlock_timeout = '60s'; BEGIN; ${add} 'one'`);
    let others: Promise<unknown> | undefined;
    let runs = 0;
    await database.commit(function* (db) {
      runs += 1;
      for (const name of ['two', 'one']) {
        const value = sql`${sequences.value} + 1`;
        const where = eq(sequences.name, name);
        yield* rows(db.update(sequences).set({ value }).where(where).returning({ name: sequences.name }));
        others ??= other.query(`${add} 'two'; COMMIT`);
      }
    });
    await others;
    other.release(true);
    expect(runs).toBe(2);
    expect(await Promise.all(['one', 'two'].map((name) => store.readSequence(name)))).toEqual([12, 12]);
  });

  test('relays take up projects in one order, whatever order their rooms are in', async () => {
    const [first, second] = await Promise.all([1, 2].map(async () => createStore(await open())));
    await emptyTables(admin);
    for (const projectId of ['prj_a', 'prj_b']) {
      await first?.ensureProject({ id: projectId, key: projectId });
      await first?.accept([acceptItem({ projectId, message: { place: 'store' } })]);
    }
    const enter = (store: Store | undefined, projectIds: string[]) =>
      store?.enterWindow({
        channel: 'email',
        lane: 'normal',
        lookaheadMs: 0,
        rooms: projectIds.map((projectId) => ({ projectId, limit: 1 })),
      });
    const other = await admin.connect();
    await other.query(`BEGIN; SELECT 1 FROM messages WHERE project_id = 'prj_a' FOR UPDATE`);
    const waiting = enter(first, ['prj_b', 'prj_a']);
    const blocked = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`;
    await until(
      async () => (await admin.query(blocked)).rows,
      ({ length }) => length > 0,
    );
    expect(await enter(second, ['prj_b'])).toMatchObject([[{ id: expect.any(String) }]]);
    await other.query('COMMIT');
    other.release();
    expect((await waiting)?.map((entries) => entries.length)).toEqual([0, 1]);
  });

  test('two processes at once: a key makes one notification, a message one claim, a place one relay', async () => {
    const stores = await Promise.all([1, 2].map(async () => createStore(await open())));
    const [first] = stores;
    await emptyTables(admin);
    const projectId = await first?.ensureProject({ id: 'prj_1', key: 'default' });
    const item = (id: string, key: string | null, hash: string): AcceptItem => ({
      notification: {
        id: `ntf_${id}`,
        projectId: projectId ?? '',
        idempotencyKey: key,
        requestHash: hash,
        data: {},
        metadata: {},
        lane: 'normal',
        expiresAt: Date.now() + 60_000,
        answer: { id: `ntf_${id}`, status: 'accepted', messages: [] },
      },
      messages: [
        {
          id: `msg_${id}`,
          notificationId: `ntf_${id}`,
          projectId: projectId ?? '',
          channel: 'email',
          lane: 'normal',
          status: 'queued',
          onAmbiguous: 'resend',
          place: 'store',
          expiresAt: Date.now() + 60_000,
        },
      ],
    });
    const keys = Array.from({ length: 200 }, (_, index) => `${index}`);
    // In opposite orders, so that each waits for the other.
    const answers = await Promise.all(
      stores.map((store, index) => {
        const items = keys.map((key) => item(`${key}-${index}`, key, 'same'));
        return store.accept(index === 0 ? items : items.toReversed());
      }),
    );
    const kinds = answers.flat().map(({ kind }) => kind);
    expect(kinds.toSorted()).toEqual([...Array(200).fill('replayed'), ...Array(200).fill('stored')]);

    const lane = { channel: 'email', lane: 'normal', lookaheadMs: 0 } as const;
    const rooms = [{ projectId: projectId ?? '', limit: 30 }];
    const entered = await Promise.all(
      [...stores, ...stores, ...stores].map((store) => store.enterWindow({ ...lane, rooms })),
    );
    const ids = entered.flat(2).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(30);

    const claims = await Promise.all(
      [...stores, ...stores].map((store, index) =>
        store.claim({
          ids: index % 2 === 0 ? ids : ids.toReversed(),
          token: `${index}`,
          owner: 'o',
          leaseMs: 60_000,
        }),
      ),
    );
    const claimed = claims.flatMap((result) => result.claimed.map(({ message }) => message.id));
    expect(claimed.toSorted()).toEqual(ids.toSorted());
  });

  test('an erasure leaves no address behind that a click puts on the list meanwhile', async () => {
    const store = createStore(await open());
    await emptyTables(admin);
    const projectId = await store.ensureProject({ id: 'prj_1', key: 'default' });
    const actor = { kind: 'system', id: '', address: '', requestId: '' } as const;
    const change = { projectId, actor, action: 'recipients.upsert', id: 'rcp_ada', auditId: 'aud_1' };
    await store.upsertRecipients([{ ...change, input: { externalId: 'ada', email: 'ada@secret.example' } }]);
    const one = acceptItem({ projectId, message: { address: 'ada@secret.example' } });
    await store.accept([one]);
    await store.beginErasure(projectId, 'ada', { actor, auditId: 'aud_2', ...suppressing });
    const key = await store.suppressionKeyOf(projectId, suppressing.newKey);
    const blocker = await admin.connect();
    await blocker.query('BEGIN; SELECT id FROM projects FOR UPDATE');
    const waiting = async () => {
      const { rows: found } = await admin.query('SELECT pid FROM pg_locks WHERE NOT granted');
      return found.length;
    };
    // It stops where it puts the address on the list of the project.
    const clicked = store.unsubscribe({
      projectId,
      messageId: one.messages[0]?.id ?? '',
      category: 'news',
      subject: { addressHash: addressHash(key, 'email', 'ada@secret.example') },
      newId: () => 'sup_1',
      actor,
      change: { id: 'aud_3', projectId, action: 'unsubscribe.oneClick', target: '' },
    });
    await until(waiting, (number) => number === 1);
    let isErased = false;
    const erased = (async () => {
      while (await store.continueErasure('rcp_ada'));
      isErased = true;
    })();
    await until(waiting, (number) => number === 2 || isErased);
    await blocker.query('COMMIT');
    blocker.release();
    await Promise.all([clicked, erased]);
    const { rows: list } = await admin.query('SELECT address, reason FROM suppressions WHERE category = $1', [
      'news',
    ]);
    expect(list).toEqual([{ address: null, reason: 'unsubscribed' }]);
  });

  test('a pool that is used up makes others wait, then counts as an outage', async () => {
    const database = await open({ poolSize: 2, statementMs: 5000 });
    const blocker = await admin.connect();
    await blocker.query('BEGIN; LOCK TABLE sequences');
    const store = createStore(database);
    const waiting = [1, 2].map(() => store.readSequence('queue'));
    const error = await store.readSequence('queue').catch((thrown: unknown) => thrown);
    expect(store.isOutage(error)).toBe(true);
    await blocker.query('ROLLBACK');
    blocker.release();
    expect(await Promise.all(waiting)).toEqual([0, 0]);
  });

  test('a statement that takes too long is ended by the server, which counts as an outage', async () => {
    const database = await open({ statementMs: 100 });
    const blocker = await admin.connect();
    await blocker.query('BEGIN; LOCK TABLE sequences');
    const store = createStore(database);
    const error = await store.raiseSequence('queue', 1).catch((thrown: unknown) => thrown);
    expect(store.isOutage(error)).toBe(true);
    await blocker.query('ROLLBACK');
    blocker.release();
    await store.raiseSequence('queue', 1);
  });

  test.each(['killed', 'frozen'])(
    'a server that is %s fails calls as an outage, and serves again by itself',
    async (how) => {
      const database = await open({ statementMs: 300 });
      const store = createStore(database);
      await Promise.all(Array.from({ length: 10 }, () => store.readSequence('queue')));
      if (how === 'killed') await server.kill();
      else server.freeze();
      const errors = await Promise.all(
        Array.from({ length: 10 }, () => store.raiseSequence('queue', 1).catch((thrown: unknown) => thrown)),
      );
      const inCommit = await store
        .claim({ ids: ['msg_1'], token: 't', owner: 'o', leaseMs: 1 })
        .catch((thrown: unknown) => thrown);
      for (const error of [...errors, inCommit]) expect(store.isOutage(error), String(error)).toBe(true);
      if (how === 'killed') await server.start();
      else server.thaw();
      await until(
        () =>
          store.raiseSequence('queue', 7).then(
            () => store.readSequence('queue'),
            () => 0,
          ),
        (value) => value >= 7,
      );
      expect((await store.claim({ ids: ['msg_1'], token: 't', owner: 'o', leaseMs: 1 })).claimed).toEqual([]);
    },
  );

  test('a wrong statement is no outage', async () => {
    const database = await open();
    const store = createStore(database);
    const missing = { id: 'key', projectId: 'nowhere', name: 'x', secretHash: 'x', scopes: [] };
    const error = await store.putApiKey(missing).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(store.isOutage(error)).toBe(false);
  });

  test('a server that is not there: tells host and port after the wait, never the password', async () => {
    const url = 'postgres://user:hunter2@127.0.0.1:1/none';
    const error = await openPostgres({ url, waitMs: 300 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DatabaseUnreachableError);
    expect((error as Error).message).toContain('127.0.0.1:1');
    expect((error as Error).message).not.toContain('hunter2');
  });

  test('a server that does not let us in is not waited for', async () => {
    const error = await openPostgres({ url: server.url('nowhere') }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DatabaseUnreachableError);
    expect((error as Error).message).toContain('"nowhere" does not exist');
  });

  test('settings that could lose what was accepted are named, all at once', async () => {
    expect(await (await open()).settingFaults()).toEqual([]);
    const url = await server.createDatabase('unsafe');
    await admin.query('ALTER DATABASE unsafe SET synchronous_commit = off');
    expect(await (await open({ url })).settingFaults()).toEqual([
      expect.stringMatching(/synchronous_commit/),
    ]);
    const unsafe = await startPostgres({
      settings: ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off'],
    });
    const database = await openPostgres({ url: unsafe.url() });
    const faults = await database.settingFaults();
    await database.close();
    await unsafe.stop();
    expect(faults).toEqual([
      expect.stringMatching(/fsync/),
      expect.stringMatching(/synchronous_commit/),
      expect.stringMatching(/full_page_writes/),
    ]);
  });
});
