import { and, desc, eq, exists, gt, inArray, isNull, lt, ne, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import { type Actor, type Change, recordChange } from './audit.ts';

export type SessionRow = Tables['sessions']['$inferSelect'];
type AccountRow = Tables['accounts']['$inferSelect'];

/** A session that is good now, of an account that is. */
export interface LiveSession {
  session: SessionRow;
  account: AccountRow;
}

const listedAtMost = 100;

/**
 * Begins a session for whoever has shown the password of this hash; undefined when the account has been
 * disabled or has another password since then.
 */
export function openSession(
  database: Database,
  actor: Actor,
  options: Pick<SessionRow, 'id' | 'accountId' | 'familyHash' | 'refreshHash' | 'address' | 'userAgent'> & {
    passwordHash: string;
    lifetimeMs: number;
  },
  change: Change,
): Promise<AccountRow | undefined> {
  const { accounts, sessions } = database.tables;
  const { now } = database;
  const { passwordHash, lifetimeMs, ...session } = options;
  return database.commit(function* (db) {
    const [account] = yield* rows(
      db
        .update(accounts)
        .set({ lastLoginAt: now })
        .where(
          and(
            eq(accounts.id, session.accountId),
            eq(accounts.passwordHash, passwordHash),
            isNull(accounts.disabledAt),
          ),
        )
        .returning(),
    );
    if (account === undefined) return undefined;
    yield* rows(
      db
        .insert(sessions)
        .values({ ...session, refreshedAt: now, createdAt: now, expiresAt: sql`${now} + ${lifetimeMs}` })
        .returning({ id: sessions.id }),
    );
    yield* recordChange(database, db, actor, change);
    return account;
  });
}

/** A session that is not over, with its account if that is not disabled. */
export async function findLiveSession(database: Database, id: string): Promise<LiveSession | undefined> {
  const { accounts, sessions } = database.tables;
  const [found] = await database.handle
    .select({ session: sessions, account: accounts })
    .from(sessions)
    .innerJoin(accounts, eq(accounts.id, sessions.accountId))
    .where(and(eq(sessions.id, id), isLive(database), isNull(accounts.disabledAt)));
  return found;
}

/** What became of a refresh secret that was shown. */
export type Rotation =
  /** It was the newest and has been replaced. */
  | 'rotated'
  /** It was replaced a moment ago: another tab has the newest. */
  | 'recent'
  /** It is older, so somebody kept a copy: the session is over. */
  | 'reused'
  /** Not of the family of a live session. */
  | 'unknown';

/** A refresh cookie as it is shown, and what is to follow it. */
export interface Refresh {
  id: string;
  familyHash: string;
  shownHash: string;
  nextHash: string;
  lifetimeMs: number;
  /** How long the secret before the newest is good. */
  graceMs: number;
}

/**
 * Replaces the refresh secret of a session and gives it another `lifetimeMs`. Only that the session was ended
 * goes on record: a refresh every few minutes would bury everything else.
 */
export function rotateSession(
  database: Database,
  actor: Actor,
  options: Refresh,
  change: Change,
): Promise<Rotation> {
  const { accounts, sessions } = database.tables;
  const { now } = database;
  const { id, familyHash, shownHash, nextHash, lifetimeMs, graceMs } = options;
  return database.commit(function* (db): Steps<Rotation> {
    const enabled = db
      .select({ id: accounts.id })
      .from(accounts)
      .where(and(eq(accounts.id, sessions.accountId), isNull(accounts.disabledAt)));
    const ofFamily = and(
      eq(sessions.id, id),
      eq(sessions.familyHash, familyHash),
      isLive(database),
      exists(enabled),
    );
    const rotated = yield* rows(
      db
        .update(sessions)
        .set({
          refreshHash: nextHash,
          previousHash: shownHash,
          refreshedAt: now,
          expiresAt: sql`${now} + ${lifetimeMs}`,
        })
        .where(and(ofFamily, eq(sessions.refreshHash, shownHash)))
        .returning({ id: sessions.id }),
    );
    if (rotated.length > 0) return 'rotated';
    const recent = yield* rows(
      db
        .select({ id: sessions.id })
        .from(sessions)
        .where(
          and(
            ofFamily,
            eq(sessions.previousHash, shownHash),
            sql`${sessions.refreshedAt} > ${now} - ${graceMs}`,
          ),
        ),
    );
    if (recent.length > 0) return 'recent';
    const reused = yield* rows(
      db.update(sessions).set({ revokedAt: now }).where(ofFamily).returning({ id: sessions.id }),
    );
    if (reused.length === 0) return 'unknown';
    yield* recordChange(database, db, actor, change);
    return 'reused';
  });
}

/** The live sessions of an account, newest first, 100 at most. */
export async function listSessions(database: Database, accountId: string): Promise<SessionRow[]> {
  const { sessions } = database.tables;
  return database.handle
    .select()
    .from(sessions)
    .where(and(eq(sessions.accountId, accountId), isLive(database)))
    .orderBy(desc(sessions.id))
    .limit(listedAtMost);
}

/** Ends a live session of the account; undefined when it has none of this id. */
export function revokeSession(
  database: Database,
  actor: Actor,
  { id, accountId }: { id: string; accountId: string },
  change: Change,
): Promise<SessionRow | undefined> {
  const { sessions } = database.tables;
  return database.commit(function* (db) {
    const [revoked] = yield* rows(
      db
        .update(sessions)
        .set({ revokedAt: database.now })
        .where(and(eq(sessions.id, id), eq(sessions.accountId, accountId), isLive(database)))
        .returning(),
    );
    if (revoked !== undefined) yield* recordChange(database, db, actor, change);
    return revoked;
  });
}

/** One step of a commit: ends the live sessions of an account, but for one that may be kept. */
export function* endSessions(
  database: Database,
  db: Handle,
  { accountId, keepSessionId = '' }: { accountId: string; keepSessionId?: string },
): Steps<number> {
  const { sessions } = database.tables;
  const ended = yield* rows(
    db
      .update(sessions)
      .set({ revokedAt: database.now })
      .where(and(eq(sessions.accountId, accountId), isLive(database), ne(sessions.id, keepSessionId)))
      .returning({ id: sessions.id }),
  );
  return ended.length;
}

/** Removes sessions and invitations that ended more than `keepMs` ago, at most `limit` of each; answers how many. */
export async function removeEndedLogins(
  database: Database,
  { keepMs, limit }: { keepMs: number; limit: number },
): Promise<number> {
  const { sessions, invitations } = database.tables;
  const ago = sql<number>`${database.now} - ${keepMs}`;
  let removed = 0;
  for (const table of [sessions, invitations] as const) {
    const old = database.handle
      .select({ id: table.id })
      .from(table)
      .where(lt(table.expiresAt, ago))
      .orderBy(table.expiresAt)
      .limit(limit);
    const gone = await database.handle
      .delete(table)
      .where(inArray(table.id, old))
      .returning({ id: table.id });
    removed += gone.length;
  }
  return removed;
}

/** Neither revoked nor past its time. */
export function isLive({ tables: { sessions }, now }: Database) {
  return and(isNull(sessions.revokedAt), gt(sessions.expiresAt, now));
}
