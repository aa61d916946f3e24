import { type Role, type Scope, scopes, scopesOfRole } from '@tidings/contracts';
import { and, eq, isNull, type SQL, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import { stillGood } from './api-keys.ts';
import { type Actor, type Change, recordChange } from './audit.ts';
import { isLive } from './sessions.ts';

/** Why a commit did nothing: whoever acts is logged out or ended by now, or may not do this any more. */
export type Refusal = 'logged_out' | 'forbidden';

/** What whoever acts may do at the moment of a commit. */
export interface Standing {
  scopes: readonly Scope[];
  /** Of an account. */
  role?: Role;
  /** Of a key that ends: for how many milliseconds more it is good. */
  remainingMs: number | null;
}

/**
 * One step of a commit that gives rights or takes them: what the actor may do now, whatever the API remembers of
 * it; undefined when its session, account or key has ended. The rows are written, as they are, so that on Postgres
 * a change of them at the same moment comes either before or after.
 */
export function* standingOf(database: Database, db: Handle, actor: Actor): Steps<Standing | undefined> {
  if (actor.kind === 'system') return { scopes, role: 'owner', remainingMs: null };
  if (actor.kind === 'key') return yield* standingOfKey(database, db, actor.id);
  return actor.kind === 'account' ? yield* standingOfAccount(database, db, actor) : undefined;
}

function* standingOfKey(database: Database, db: Handle, id: string): Steps<Standing | undefined> {
  const { apiKeys } = database.tables;
  const [key] = yield* rows(
    db
      .update(apiKeys)
      .set({ name: asItIs(apiKeys.name) })
      .where(and(eq(apiKeys.id, id), stillGood(database)))
      .returning({
        scopes: apiKeys.scopes,
        remainingMs: sql<number | null>`${apiKeys.expiresAt} - ${database.now}`.mapWith(Number),
      }),
  );
  return key;
}

/** The account first, then the session: the order in which disabling one writes them. */
function* standingOfAccount(
  database: Database,
  db: Handle,
  { id, sessionId = '' }: Actor,
): Steps<Standing | undefined> {
  const { accounts, sessions } = database.tables;
  const [account] = yield* rows(
    db
      .update(accounts)
      .set({ role: asItIs<Role>(accounts.role) })
      .where(and(eq(accounts.id, id), isNull(accounts.disabledAt)))
      .returning({ role: accounts.role }),
  );
  if (account === undefined) return undefined;
  const live = yield* rows(
    db
      .update(sessions)
      .set({ address: asItIs(sessions.address) })
      .where(and(eq(sessions.id, sessionId), eq(sessions.accountId, id), isLive(database)))
      .returning({ id: sessions.id }),
  );
  if (live.length === 0) return undefined;
  const { role } = account;
  return { role, scopes: scopesOfRole[role], remainingMs: null };
}

function asItIs<Value>(column: unknown): SQL<Value> {
  return sql<Value>`${column}`;
}

/** Puts on record that a credential was handed out, if the actor has this scope now; answers what it may do. */
export function noteCredential(
  database: Database,
  actor: Actor,
  scope: Scope,
  change: Change,
): Promise<Standing | Refusal> {
  return database.commit(function* (db): Steps<Standing | Refusal> {
    const standing = yield* standingOf(database, db, actor);
    if (standing === undefined) return 'logged_out';
    if (!standing.scopes.includes(scope)) return 'forbidden';
    yield* recordChange(database, db, actor, change);
    return standing;
  });
}
