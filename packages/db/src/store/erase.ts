import { and, eq, isNull, lte, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { ErasedAddresses, ErasureStep, Tables } from '../schema/tables.ts';
import { type Actor, recordChange } from './audit.ts';
import { type ErasureRow, takeStep } from './erase-steps.ts';
import { forgetPerson } from './forget.ts';
import { recordSuppressions } from './suppressions.ts';

/** How long whoever works on an erasure has before somebody else takes it up. Milliseconds. */
const turnMs = 15_000;

/** After this time nothing is under way any more that was accepted, or sent, before the erasure. Milliseconds. */
const afterwardsMs = 120_000;

/** A recipient that is erased, and whether everything about it is gone. */
export interface Erasure {
  recipientId: string;
  erasedAt: number;
  complete: boolean;
}

/**
 * Begins to erase a recipient, found by our own id or by the application's: in one commit it becomes a tombstone
 * without contact data, devices and preferences, and what remains to be done is put on record, so that it is done
 * even if this process dies. Undefined when there is no such recipient; one that was erased before (by its `rcp_…`)
 * is answered as it stands.
 *
 * @param options.newKey random text, used if the project has no key for its hashes yet
 * @param options.newId makes ids of suppressions
 */
export function beginErasure(
  database: Database,
  projectId: string,
  id: string,
  options: { actor: Actor; auditId: string; newKey: string; newId: () => string },
): Promise<Erasure | undefined> {
  const { recipients, erasures } = database.tables;
  return database.commit(function* (db): Steps<Erasure | undefined> {
    // Takes the row first: what is read of it then is what is erased, whoever changes it meanwhile.
    const [person] = yield* rows(
      db
        .update(recipients)
        .set({ erasedAt: database.now, updatedAt: database.now })
        .where(
          and(
            eq(recipients.projectId, projectId),
            id.startsWith('rcp_') ? eq(recipients.id, id) : eq(recipients.externalId, id),
            isNull(recipients.erasedAt),
          ),
        )
        .returning(),
    );
    if (person === undefined) return yield* earlierErasure(database, db, projectId, id);
    yield* rows(
      db
        .update(recipients)
        .set({ ...nothing, externalId: `erased:${person.id}` })
        .where(eq(recipients.id, person.id))
        .returning({ id: recipients.id }),
    );
    const tokens = yield* forgetPerson(database, db, person.id);
    const emails = person.email === null ? [] : [person.email.toLowerCase()];
    const addresses = [
      ...emails.map((address) => ({ channel: 'email', address, reason: 'erased' }) as const),
      ...tokens.map((address) => ({ channel: 'push', address, reason: 'erased' }) as const),
    ];
    yield* recordSuppressions({
      database,
      db,
      projectId,
      addresses,
      newKey: options.newKey,
      newId: options.newId,
    });
    yield* rows(
      db
        .insert(erasures)
        .values({
          recipientId: person.id,
          projectId,
          step: 'own',
          addresses: { emails, tokens, externalId: person.externalId },
          dueAt: sql`${database.now} + ${turnMs}`,
        })
        .returning({ id: erasures.recipientId }),
    );
    yield* recordChange(database, db, options.actor, {
      id: options.auditId,
      projectId,
      action: 'recipients.erase',
      target: person.id,
    });
    return { recipientId: person.id, erasedAt: person.erasedAt ?? 0, complete: false };
  });
}

const nothing = {
  name: null,
  email: null,
  locale: null,
  timezone: null,
  attributes: {},
  quietHours: null,
  searchName: null,
  searchEmail: null,
  searchId: '',
};

function* earlierErasure(
  database: Database,
  db: Handle,
  projectId: string,
  id: string,
): Steps<Erasure | undefined> {
  const { recipients, erasures } = database.tables;
  const [tombstone] = yield* rows(
    db
      .select({ id: recipients.id, erasedAt: recipients.erasedAt, step: erasures.step })
      .from(recipients)
      .leftJoin(erasures, eq(erasures.recipientId, recipients.id))
      .where(and(eq(recipients.id, id), eq(recipients.projectId, projectId))),
  );
  if (tombstone === undefined || tombstone.erasedAt === null) return undefined;
  const { erasedAt, step } = tombstone;
  return { recipientId: tombstone.id, erasedAt, complete: step === null || step === 'late' };
}

/** Erasures whose turn it is, those that somebody left in their middle among them. */
export async function dueErasures(database: Database, limit: number): Promise<string[]> {
  const { erasures } = database.tables;
  const found = await database.handle
    .select({ id: erasures.recipientId })
    .from(erasures)
    .where(lte(erasures.dueAt, database.now))
    .orderBy(erasures.dueAt)
    .limit(limit);
  return found.map(({ id }) => id);
}

/**
 * Does one commit's worth of an erasure that is due or that the caller works on. Answers whether there is more to do
 * now. Two at once do no harm: each step may be done again.
 */
export async function continueErasure(database: Database, recipientId: string): Promise<boolean> {
  const { erasures } = database.tables;
  const soon = sql`${database.now} + ${turnMs}`;
  const more = await database.commit(function* (db) {
    const [found] = yield* rows(
      db
        .select({ erasure: erasures, isDue: sql<unknown>`${erasures.dueAt} <= ${database.now}` })
        .from(erasures)
        .where(eq(erasures.recipientId, recipientId)),
    );
    // Of two that work on it at once, one may be at the last step: that has its time.
    if (found === undefined || (found.erasure.step === 'late' && !found.isDue)) return false;
    const { erasure } = found;
    const { cursor, addresses } = yield* takeStep(database, db, erasure);
    if (cursor !== null) {
      yield* moveOn(database, db, erasure, { cursor, addresses, dueAt: soon });
      return true;
    }
    if (erasure.step === 'late') {
      yield* rows(
        db.delete(erasures).where(eq(erasures.recipientId, recipientId)).returning({ step: erasures.step }),
      );
      return false;
    }
    const next = stepAfter(erasure.step, addresses);
    if (next !== 'late') {
      yield* moveOn(database, db, erasure, { step: next, cursor: null, addresses, dueAt: soon });
      return true;
    }
    yield* moveOn(database, db, erasure, {
      step: 'late',
      cursor: null,
      addresses: { emails: [], tokens: [] },
      dueAt: sql`${database.now} + ${afterwardsMs}`,
    });
    return false;
  });
  if (!more) await database.forgetRemains();
  return more;
}

function stepAfter(step: ErasureStep, { emails, tokens }: ErasedAddresses): ErasureStep {
  if (step === 'own') return 'events';
  return step === 'events' && emails.length + tokens.length > 0 ? 'direct' : 'late';
}

/** Only if nobody else moved it meanwhile: whoever did had the addresses, which are gone by now. */
function* moveOn(
  { tables: { erasures } }: Database,
  db: Handle,
  { recipientId, step, cursor }: ErasureRow,
  to: Partial<{ step: ErasureStep; cursor: string | null; addresses: ErasedAddresses; dueAt: unknown }>,
): Steps<void> {
  yield* rows(
    db
      .update(erasures)
      .set(to as Partial<Tables['erasures']['$inferInsert']>)
      .where(
        and(
          eq(erasures.recipientId, recipientId),
          eq(erasures.step, step),
          cursor === null ? isNull(erasures.cursor) : eq(erasures.cursor, cursor),
        ),
      )
      .returning({ step: erasures.step }),
  );
}
