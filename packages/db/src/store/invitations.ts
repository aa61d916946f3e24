import { type Role, rolesManagedBy } from '@tidings/contracts';
import { and, eq, exists, gt, inArray, isNull, lte, not, or, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import { type AccountRow, insertAccount, type NewAccount } from './accounts.ts';
import { type Actor, type Change, recordChange } from './audit.ts';
import { type Page, pageById } from './pages.ts';
import { type Refusal, standingOf } from './standing.ts';

export type InvitationRow = Tables['invitations']['$inferSelect'];

/**
 * Invites an address, in lower case, in the place of an earlier invitation; undefined when it has an account.
 * Refused when whoever invites may not give that role by now, or not that of the open invitation which would end.
 * `ended` says what goes on record of one that does.
 */
export function createInvitation(
  database: Database,
  actor: Actor,
  options: Pick<InvitationRow, 'id' | 'email' | 'role' | 'secretHash' | 'invitedBy'> & { lifetimeMs: number },
  { made, ended }: { made: Change; ended: (id: string) => Change },
): Promise<InvitationRow | Refusal | undefined> {
  const { accounts, invitations } = database.tables;
  const { now } = database;
  const { lifetimeMs, ...invitation } = options;
  return database.commit(function* (db): Steps<InvitationRow | Refusal | undefined> {
    const standing = yield* standingOf(database, db, actor);
    if (standing === undefined) return 'logged_out';
    const ofRoles = standing.role === undefined ? [] : rolesManagedBy(standing.role);
    if (!ofRoles.includes(invitation.role)) return 'forbidden';
    const taken = yield* rows(
      db.select({ id: accounts.id }).from(accounts).where(eq(accounts.email, invitation.email)),
    );
    if (taken.length > 0) return undefined;
    for (;;) {
      if (!(yield* endInvitationsOf(database, db, { actor, email: invitation.email, ofRoles, ended }))) {
        return 'forbidden';
      }
      const [row] = yield* rows(
        db
          .insert(invitations)
          .values({ ...invitation, createdAt: now, expiresAt: sql`${now} + ${lifetimeMs}` })
          .onConflictDoNothing()
          .returning(),
      );
      // Otherwise somebody else has invited the address in between: that invitation is the earlier one.
      if (row === undefined) continue;
      yield* recordChange(database, db, actor, made);
      return row;
    }
  });
}

/**
 * One step of a commit: makes room for another invitation of the address. False when there is an open one to a
 * role that is not among these. One that has expired ends for the index alone.
 */
function* endInvitationsOf(
  database: Database,
  db: Handle,
  options: { actor: Actor; email: string; ofRoles: readonly Role[]; ended: (id: string) => Change },
): Steps<boolean> {
  const { actor, email, ofRoles, ended } = options;
  const { invitations } = database.tables;
  const ofEmail = eq(invitations.email, email);
  const mayEnd = or(lte(invitations.expiresAt, database.now), inArray(invitations.role, [...ofRoles]));
  const ending = yield* rows(
    db
      .update(invitations)
      .set({ revokedAt: database.now })
      .where(and(ofEmail, isNull(invitations.acceptedAt), isNull(invitations.revokedAt), mayEnd))
      .returning({ id: invitations.id, revokedAt: invitations.revokedAt, expiresAt: invitations.expiresAt }),
  );
  for (const { id, revokedAt, expiresAt } of ending) {
    if ((revokedAt ?? 0) < expiresAt) yield* recordChange(database, db, actor, ended(id));
  }
  const left = yield* rows(
    db
      .select({ id: invitations.id })
      .from(invitations)
      .where(and(ofEmail, isOpen(database), not(inArray(invitations.role, [...ofRoles])))),
  );
  return left.length === 0;
}

/** A page of all invitations, newest first, with one more than asked for when there are more. */
export async function listInvitations(database: Database, page: Page): Promise<InvitationRow[]> {
  const { invitations } = database.tables;
  const { from, order, limit } = pageById(invitations.id, page);
  return database.handle.select().from(invitations).where(from).orderBy(order).limit(limit);
}

export async function findInvitation(database: Database, id: string): Promise<InvitationRow | undefined> {
  const { invitations } = database.tables;
  const [found] = await database.handle.select().from(invitations).where(eq(invitations.id, id));
  return found;
}

/** The invitation that this secret opens now; undefined when there is none. */
export async function findOpenInvitation(
  database: Database,
  { id, secretHash }: Pick<InvitationRow, 'id' | 'secretHash'>,
): Promise<InvitationRow | undefined> {
  const { invitations } = database.tables;
  const [found] = await database.handle
    .select()
    .from(invitations)
    .where(
      and(
        eq(invitations.id, id),
        eq(invitations.secretHash, secretHash),
        isOpen(database),
        mayStillInvite(database, database.handle),
      ),
    );
  return found;
}

/** Ends an open invitation to one of these roles; undefined when there is none of this id. */
export function revokeInvitation(
  database: Database,
  actor: Actor,
  { id, ofRoles }: { id: string; ofRoles: readonly Role[] },
  change: Change,
): Promise<InvitationRow | undefined> {
  const { invitations } = database.tables;
  return database.commit(function* (db) {
    const [revoked] = yield* rows(
      db
        .update(invitations)
        .set({ revokedAt: database.now })
        .where(and(eq(invitations.id, id), inArray(invitations.role, [...ofRoles]), isOpen(database)))
        .returning(),
    );
    if (revoked !== undefined) yield* recordChange(database, db, actor, change);
    return revoked;
  });
}

/**
 * Makes the account of an invitation, once. Undefined when the secret opens none, or whoever invited could not
 * do so any more; `account_exists` when its address has got an account in the meantime, which ends it too.
 */
export function acceptInvitation(
  database: Database,
  actor: Actor,
  options: Pick<InvitationRow, 'id' | 'secretHash'> & { account: Omit<NewAccount, 'email' | 'role'> },
  change: Change,
): Promise<AccountRow | 'account_exists' | undefined> {
  const { invitations } = database.tables;
  const { id, secretHash, account } = options;
  return database.commit(function* (db) {
    const [accepted] = yield* rows(
      db
        .update(invitations)
        .set({ acceptedAt: database.now })
        .where(
          and(
            eq(invitations.id, id),
            eq(invitations.secretHash, secretHash),
            isOpen(database),
            mayStillInvite(database, db),
          ),
        )
        .returning(),
    );
    if (accepted === undefined) return undefined;
    const { email, role } = accepted;
    const made = yield* insertAccount(database, db, { ...account, email, role });
    if (made === undefined) return 'account_exists' as const;
    yield* recordChange(database, db, actor, change);
    return made;
  });
}

function isOpen({ tables: { invitations }, now }: Database) {
  return and(isNull(invitations.acceptedAt), isNull(invitations.revokedAt), gt(invitations.expiresAt, now));
}

/** Is whoever invited still there, and of a role that makes the invited one? */
function mayStillInvite({ tables: { accounts, invitations } }: Database, db: Handle) {
  const inviterIs = (role: Role) =>
    exists(
      db
        .select({ id: accounts.id })
        .from(accounts)
        .where(
          and(eq(accounts.id, invitations.invitedBy), eq(accounts.role, role), isNull(accounts.disabledAt)),
        ),
    );
  return or(
    ...(['owner', 'admin'] as const).map((role) =>
      and(inArray(invitations.role, [...rolesManagedBy(role)]), inviterIs(role)),
    ),
  );
}
