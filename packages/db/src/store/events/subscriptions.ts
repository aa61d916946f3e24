import { type SubscriptionStatus, waitingCopyStatuses } from '@tidings/contracts';
import { and, asc, eq, inArray, isNotNull, isNull, type SQL, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import { type Recorded, recordChange } from '../audit.ts';
import type { SubscriptionRow } from './copy-types.ts';

/** What is stored of a subscription when it is made. */
export type NewSubscription = Pick<
  SubscriptionRow,
  'id' | 'name' | 'kind' | 'types' | 'filter' | 'ofHappenings' | 'ordered' | 'settings' | 'sealed'
>;

/** What may be changed of it. */
export type SubscriptionChanges = Partial<
  Pick<SubscriptionRow, 'name' | 'types' | 'filter' | 'ofHappenings' | 'settings'>
>;

/** Stores a subscription, active; undefined when the project has one of this name. */
export function createSubscription(
  database: Database,
  projectId: string,
  subscription: NewSubscription,
  { actor, change }: Recorded,
): Promise<SubscriptionRow | undefined> {
  const { subscriptions } = database.tables;
  const { now } = database;
  return database.commit(function* (db) {
    const [stored] = yield* rows(
      db
        .insert(subscriptions)
        .values({ ...subscription, projectId, status: 'active', createdAt: now, updatedAt: now })
        .onConflictDoNothing()
        .returning(),
    );
    if (stored !== undefined) yield* recordChange(database, db, actor, change);
    return stored;
  });
}

/** The subscriptions of a project, by name. Those that were removed are in no answer of this file. */
export async function listSubscriptions(database: Database, projectId: string): Promise<SubscriptionRow[]> {
  const { subscriptions } = database.tables;
  return await database.handle
    .select()
    .from(subscriptions)
    .where(and(eq(subscriptions.projectId, projectId), isNull(subscriptions.removedAt)))
    .orderBy(asc(subscriptions.name));
}

export async function getSubscription(
  database: Database,
  projectId: string,
  id: string,
): Promise<SubscriptionRow | undefined> {
  const { subscriptions } = database.tables;
  const [found] = await database.handle
    .select()
    .from(subscriptions)
    .where(isLive(database, projectId, id));
  return found;
}

/** The subscription of this name. */
export async function findConsumer(
  database: Database,
  projectId: string,
  name: string,
): Promise<SubscriptionRow | undefined> {
  const { subscriptions } = database.tables;
  const [found] = await database.handle
    .select()
    .from(subscriptions)
    .where(
      and(
        eq(subscriptions.projectId, projectId),
        eq(subscriptions.name, name),
        isNull(subscriptions.removedAt),
      ),
    );
  return found;
}

/**
 * Changes the given fields; undefined when there is no such subscription, `taken` when another has the name. Copies
 * that were made stay as they are.
 */
export function updateSubscription(
  database: Database,
  projectId: string,
  { id, ...fields }: SubscriptionChanges & { id: string },
  { actor, change }: Recorded,
): Promise<SubscriptionRow | 'taken' | undefined> {
  const { subscriptions } = database.tables;
  return database.commit(function* (db): Steps<SubscriptionRow | 'taken' | undefined> {
    if (fields.name !== undefined) {
      const [other] = yield* rows(
        db
          .select({ id: subscriptions.id })
          .from(subscriptions)
          .where(
            and(
              eq(subscriptions.projectId, projectId),
              eq(subscriptions.name, fields.name),
              isNull(subscriptions.removedAt),
            ),
          ),
      );
      if (other !== undefined && other.id !== id) return 'taken';
    }
    const [stored] = yield* rows(
      db
        .update(subscriptions)
        .set({ ...fields, updatedAt: database.now })
        .where(isLive(database, projectId, id))
        .returning(),
    );
    if (stored !== undefined) yield* recordChange(database, db, actor, change);
    return stored;
  });
}

/**
 * Removes a subscription, with its secrets; false when there is none. Copies of it stay on record; the relay ends those
 * that are open, piece by piece: see `enterCopyWindow`.
 */
export function removeSubscription(
  database: Database,
  projectId: string,
  id: string,
  { actor, change }: Recorded,
): Promise<boolean> {
  const { subscriptions } = database.tables;
  return database.commit(function* (db) {
    const [removed] = yield* rows(
      db
        .update(subscriptions)
        .set({ sealed: null, updatedAt: database.now, removedAt: database.now })
        .where(isLive(database, projectId, id))
        .returning({ id: subscriptions.id }),
    );
    if (removed === undefined) return false;
    yield* recordChange(database, db, actor, change);
    return true;
  });
}

/**
 * Pauses a subscription that is active, or makes one active, whatever stopped it, as if nothing had failed before.
 * Answers it as it then is; undefined when there is none. What is so already is left as it is.
 */
export function setSubscriptionStatus(
  database: Database,
  projectId: string,
  { id, status }: { id: string; status: Extract<SubscriptionStatus, 'active' | 'paused'> },
  { actor, change }: Recorded,
): Promise<SubscriptionRow | undefined> {
  const { subscriptions } = database.tables;
  const unwell = sql`(${subscriptions.status} <> 'active' or ${subscriptions.failingSince} is not null
    or ${subscriptions.heldUntil} is not null or ${subscriptions.holds} > 0)`;
  const fresh = { reason: null, failingSince: null, heldUntil: null, holds: 0 };
  return database.commit(function* (db): Steps<SubscriptionRow | undefined> {
    const [changed] = yield* rows(
      db
        .update(subscriptions)
        .set({ status, ...(status === 'active' && fresh), updatedAt: database.now })
        .where(
          and(
            isLive(database, projectId, id),
            status === 'active' ? unwell : eq(subscriptions.status, 'active'),
          ),
        )
        .returning(),
    );
    if (changed === undefined) return yield* selectLive(database, db, projectId, id);
    yield* recordChange(database, db, actor, change);
    return changed;
  });
}

/**
 * Gives a webhook other secrets, unless somebody else did since `replaced` was read, or it was removed: false then.
 */
export function replaceSigningSecrets(
  database: Database,
  projectId: string,
  { id, replaced, sealed }: { id: string; replaced: string; sealed: string },
  { actor, change }: Recorded,
): Promise<boolean> {
  const { subscriptions } = database.tables;
  return database.commit(function* (db) {
    const [changed] = yield* rows(
      db
        .update(subscriptions)
        .set({ sealed, updatedAt: database.now })
        .where(and(isLive(database, projectId, id), eq(subscriptions.sealed, replaced)))
        .returning({ id: subscriptions.id }),
    );
    if (changed !== undefined) yield* recordChange(database, db, actor, change);
    return changed !== undefined;
  });
}

const countedAtMost = 10_000;

/**
 * How much a subscription has that waits, is being handed over, and failed for good: each counted up to 10,000, and
 * all at one moment, so that no copy is in two of them.
 */
export async function copyCounts(
  database: Database,
  subscriptionId: string,
): Promise<{ waiting: number; sending: number; failed: number }> {
  const { copies } = database.tables;
  const count = (...conditions: SQL[]) => {
    const counted = database.handle
      .select({ id: copies.id })
      .from(copies)
      .where(and(eq(copies.subscriptionId, subscriptionId), ...conditions))
      .limit(countedAtMost)
      .as('counted');
    return sql`(select count(*) from ${counted})`.mapWith(Number);
  };
  const open = inArray(copies.place, ['store', 'queue']);
  const [found] = await database.handle
    .select({
      waiting: count(open, inArray(copies.status, waitingCopyStatuses)),
      // What is being handed over has a job.
      sending: count(eq(copies.place, 'queue'), eq(copies.status, 'sending')),
      // What did not end well, in the words of the index that holds it.
      failed: count(isNull(copies.place), isNotNull(copies.reason), eq(copies.status, 'failed')),
    })
    .from(sql`(select 1) as one`);
  return found ?? { waiting: 0, sending: 0, failed: 0 };
}

function* selectLive(
  database: Database,
  db: Handle,
  projectId: string,
  id: string,
): Steps<SubscriptionRow | undefined> {
  const { subscriptions } = database.tables;
  const [found] = yield* rows(
    db
      .select()
      .from(subscriptions)
      .where(isLive(database, projectId, id)),
  );
  return found;
}

function isLive({ tables: { subscriptions } }: Database, projectId: string, id: string): SQL | undefined {
  return and(
    eq(subscriptions.projectId, projectId),
    eq(subscriptions.id, id),
    isNull(subscriptions.removedAt),
  );
}
