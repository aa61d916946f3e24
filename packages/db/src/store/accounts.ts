import { type Role, rolesManagedBy } from '@tidings/contracts';
import { and, eq, exists, inArray, isNotNull, isNull, ne, or, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import { type Actor, type Change, recordChange } from './audit.ts';
import { type Page, pageById } from './pages.ts';
import { endSessions, type SessionRow } from './sessions.ts';
import { type Refusal, standingOf } from './standing.ts';

export type AccountRow = Tables['accounts']['$inferSelect'];
export type NewAccount = Pick<AccountRow, 'id' | 'email' | 'name' | 'role' | 'passwordHash'>;

/** One step of a commit: the account, unless its address has one. */
export function* insertAccount(
  { tables: { accounts }, now }: Database,
  db: Handle,
  account: NewAccount,
): Steps<AccountRow | undefined> {
  const [made] = yield* rows(
    db
      .insert(accounts)
      .values({ ...account, createdAt: now, updatedAt: now })
      .onConflictDoNothing()
      .returning(),
  );
  return made;
}

/** Makes an account; undefined when its address, in lower case, has one. */
export function createAccount(
  database: Database,
  actor: Actor,
  account: NewAccount,
  change: Change,
): Promise<AccountRow | undefined> {
  return database.commit(function* (db) {
    const made = yield* insertAccount(database, db, account);
    if (made !== undefined) yield* recordChange(database, db, actor, change);
    return made;
  });
}

export async function findAccount(database: Database, id: string): Promise<AccountRow | undefined> {
  const { accounts } = database.tables;
  const [found] = await database.handle.select().from(accounts).where(eq(accounts.id, id));
  return found;
}

/** The address is to be in lower case. */
export async function findAccountByEmail(database: Database, email: string): Promise<AccountRow | undefined> {
  const { accounts } = database.tables;
  const [found] = await database.handle.select().from(accounts).where(eq(accounts.email, email));
  return found;
}

/** Is there anybody who can log in? */
export async function hasAccounts(database: Database): Promise<boolean> {
  const { accounts } = database.tables;
  const found = await database.handle
    .select({ id: accounts.id })
    .from(accounts)
    .where(isNull(accounts.disabledAt))
    .limit(1);
  return found.length > 0;
}

/** A page of all accounts, newest first, with one more than asked for when there are more. */
export async function listAccounts(database: Database, page: Page): Promise<AccountRow[]> {
  const { accounts } = database.tables;
  const { from, order, limit } = pageById(accounts.id, page);
  return database.handle.select().from(accounts).where(from).orderBy(order).limit(limit);
}

/** What may be changed of an account. */
export interface AccountChanges {
  name?: string | null;
  role?: Role;
  disabled?: boolean;
}

/**
 * Changes an account, unless it is the last owner that can log in and would be none any more, or there is none:
 * undefined in both cases. Refused when whoever acts has at this moment no role that manages the account's role
 * and the one it is to have. Whoever is disabled loses the sessions too.
 *
 * On Postgres two owners could demote each other at once, as neither statement sees the other's change. So a
 * change that may take an owner away locks the owners first, by writing them: the second one waits, and then
 * sees what the first has done.
 */
export function updateAccount(
  database: Database,
  actor: Actor,
  { id, changes }: { id: string; changes: AccountChanges },
  change: Change,
): Promise<AccountRow | Refusal | undefined> {
  const { accounts } = database.tables;
  const { now } = database;
  const { disabled, ...fields } = changes;
  const takesOwnerAway = disabled === true || (fields.role !== undefined && fields.role !== 'owner');
  const isOwner = and(eq(accounts.role, 'owner'), isNull(accounts.disabledAt));
  return database.commit(function* (db): Steps<AccountRow | Refusal | undefined> {
    if (takesOwnerAway) {
      yield* rows(db.update(accounts).set({ role: 'owner' }).where(isOwner).returning({ id: accounts.id }));
    }
    const standing = yield* standingOf(database, db, actor);
    if (standing === undefined) return 'logged_out';
    const ofRoles = standing.role === undefined ? [] : rolesManagedBy(standing.role);
    const [found] = yield* rows(db.select({ role: accounts.role }).from(accounts).where(eq(accounts.id, id)));
    const touched = [found?.role, fields.role].filter((role) => role !== undefined);
    if (!touched.every((role) => ofRoles.includes(role))) return 'forbidden';
    const otherOwners = db
      .select({ id: accounts.id })
      .from(accounts)
      .where(and(isOwner, ne(accounts.id, id)));
    const leavesOwner = or(ne(accounts.role, 'owner'), isNotNull(accounts.disabledAt), exists(otherOwners));
    const [updated] = yield* rows(
      db
        .update(accounts)
        .set({
          ...fields,
          ...(disabled === true && { disabledAt: sql`coalesce(${accounts.disabledAt}, ${now})` }),
          ...(disabled === false && { disabledAt: null }),
          updatedAt: now,
        })
        .where(
          and(
            eq(accounts.id, id),
            // What it was a moment ago it may not be any more.
            inArray(accounts.role, [...ofRoles]),
            takesOwnerAway ? leavesOwner : undefined,
          ),
        )
        .returning(),
    );
    if (updated === undefined) return undefined;
    if (disabled === true) yield* endSessions(database, db, { accountId: id });
    yield* recordChange(database, db, actor, change);
    return updated;
  });
}

/**
 * Replaces a password by its hash and ends every session but the one kept, whose refresh cookie becomes another.
 * Answers how many ended; undefined when the password is no longer the one that was checked.
 */
export function changePassword(
  database: Database,
  actor: Actor,
  options: {
    accountId: string;
    from: string;
    to: string;
    keep: Pick<SessionRow, 'id' | 'familyHash' | 'refreshHash'>;
  },
  change: Change,
): Promise<number | undefined> {
  const { accounts, sessions } = database.tables;
  const { accountId, from, to, keep } = options;
  return database.commit(function* (db) {
    const changed = yield* rows(
      db
        .update(accounts)
        .set({ passwordHash: to, updatedAt: database.now })
        .where(and(eq(accounts.id, accountId), eq(accounts.passwordHash, from)))
        .returning({ id: accounts.id }),
    );
    if (changed.length === 0) return undefined;
    const ended = yield* endSessions(database, db, { accountId, keepSessionId: keep.id });
    yield* rows(
      db
        .update(sessions)
        .set({ familyHash: keep.familyHash, refreshHash: keep.refreshHash, previousHash: null })
        .where(and(eq(sessions.id, keep.id), eq(sessions.accountId, accountId)))
        .returning({ id: sessions.id }),
    );
    yield* recordChange(database, db, actor, change);
    return ended;
  });
}
