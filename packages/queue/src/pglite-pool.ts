import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { PGlite, Results } from '@electric-sql/pglite';
import type { PgNotification, PgPool, PgPoolClient, PgQueryResult } from 'bullmq';

type Row = Record<string, unknown>;

/**
 * Makes a PGlite look like the `pg.Pool` that BullMQ's Postgres backend takes.
 *
 * PGlite has one session for everybody, so a client that has begun a transaction keeps all others waiting
 * until it commits or rolls back, and LISTEN is kept per client here, not by the database.
 */
export function pglitePool(db: PGlite): PgPool {
  const turns = createTurns();

  async function run(text: string, params: readonly unknown[] = []): Promise<PgQueryResult> {
    // Only the simple protocol takes several statements at once, as the migrations do.
    if (params.length === 0) return resultOf((await db.exec(text)).at(-1));
    return resultOf(await db.query<Row>(text, [...params]));
  }

  const query = ((text, params) => turns.take(() => run(text, params))) as PgPool['query'];

  function connect(): PgPoolClient {
    const events = new EventEmitter().setMaxListeners(0);
    const listening = new Map<string, Promise<() => Promise<void>>>();
    let inTransaction: (() => void) | undefined;

    async function listen(channel: string): Promise<PgQueryResult> {
      const onPayload = (payload: string) => {
        events.emit('notification', { channel, payload } satisfies PgNotification);
      };
      const known = listening.get(channel) ?? turns.take(() => db.listen(channel, onPayload));
      listening.set(channel, known);
      await known;
      return { rows: [] };
    }
    async function unlisten(): Promise<void> {
      const stops = [...listening.values()];
      listening.clear();
      for (const stop of stops) await turns.take(async () => (await stop)());
    }
    function endTransaction(): void {
      inTransaction?.();
      inTransaction = undefined;
    }
    async function queryAsClient(text: string, params?: readonly unknown[]): Promise<PgQueryResult> {
      const statement = withoutComments(text);
      const channel = /^LISTEN\s+(\w+)/i.exec(statement)?.[1];
      if (channel) return listen(channel);
      if (/^BEGIN\b/i.test(statement)) inTransaction = await turns.start();
      if (!inTransaction) return turns.take(() => run(text, params));
      try {
        return await run(text, params);
      } finally {
        if (/^(COMMIT|ROLLBACK)\b/i.test(statement)) endTransaction();
      }
    }
    return Object.assign(events, {
      query: queryAsClient as PgPoolClient['query'],
      release: (destroy?: boolean) => {
        if (inTransaction) run('ROLLBACK').then(endTransaction, endTransaction);
        if (!destroy) return;
        events.removeAllListeners();
        unlisten().catch(() => {}); // the database was closed meanwhile, and its listeners with it
      },
    }) as PgPoolClient;
  }

  return Object.assign(new EventEmitter().setMaxListeners(0), {
    query,
    connect: async () => connect(),
    end: async () => {},
  }) as PgPool;
}

const yieldEveryMs = 10;

/**
 * One at a time, in the order of asking. PGlite answers without leaving the microtask queue, so a busy one
 * would keep every timer and socket of the process waiting: now and then the event loop gets a turn.
 */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve();
  let yieldedAt = performance.now();
  function start(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = last;
    last = promise;
    return before.then(() => resolve);
  }
  async function take<T>(work: () => Promise<T>): Promise<T> {
    const done = await start();
    if (performance.now() - yieldedAt > yieldEveryMs) {
      await setImmediate();
      yieldedAt = performance.now();
    }
    return work().finally(done);
  }
  return { start, take };
}

const withoutComments = (text: string) => text.replace(/^(\s*--[^\n]*\n)+/, '').trimStart();

function resultOf(results: Results<Row> | undefined): PgQueryResult {
  return { rows: results?.rows ?? [], rowCount: results?.affectedRows ?? results?.rows.length ?? 0 };
}
