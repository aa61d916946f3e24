import type { JsonObject } from '@tidings/contracts';
import { and, asc, eq } from 'drizzle-orm';
import { type Database, rows } from '../../database.ts';
import type { Tables } from '../../schema/tables.ts';
import { type Actor, recordChange } from '../audit.ts';

export type EventTypeRow = Tables['eventTypes']['$inferSelect'];

/** Declares a type of event, or changes the given fields of one. `auditId` is for the row of the audit trail. */
export function putEventType(
  database: Database,
  actor: Actor,
  input: {
    projectId: string;
    type: string;
    description?: string | null;
    schema?: JsonObject | null;
    auditId: string;
  },
): Promise<EventTypeRow> {
  const { eventTypes } = database.tables;
  const { projectId, type, auditId, ...fields } = input;
  return database.commit(function* (db) {
    const [declared] = yield* rows(
      db
        .insert(eventTypes)
        .values({ projectId, type, ...fields, createdAt: database.now, updatedAt: database.now })
        .onConflictDoUpdate({
          target: [eventTypes.projectId, eventTypes.type],
          set: { ...fields, updatedAt: database.now },
        })
        .returning(),
    );
    if (declared === undefined) throw new Error('an upsert answered no row');
    yield* recordChange(database, db, actor, {
      id: auditId,
      projectId,
      action: 'eventTypes.upsert',
      target: type,
      fields: Object.keys(fields),
    });
    return declared;
  });
}

/** Every declared type of a project, by its name. */
export async function eventTypesOf(database: Database, projectId: string): Promise<EventTypeRow[]> {
  const { eventTypes } = database.tables;
  return await database.handle
    .select()
    .from(eventTypes)
    .where(eq(eventTypes.projectId, projectId))
    .orderBy(asc(eventTypes.type));
}

/** The declaration of one type. */
export async function findEventType(
  database: Database,
  projectId: string,
  type: string,
): Promise<EventTypeRow | undefined> {
  const { eventTypes } = database.tables;
  const [found] = await database.handle
    .select()
    .from(eventTypes)
    .where(and(eq(eventTypes.projectId, projectId), eq(eventTypes.type, type)));
  return found;
}

/** Takes a declaration back; events of the type stay. Answers whether there was one. */
export function removeEventType(
  database: Database,
  actor: Actor,
  { projectId, type, auditId }: { projectId: string; type: string; auditId: string },
): Promise<boolean> {
  const { eventTypes } = database.tables;
  return database.commit(function* (db) {
    const removed = yield* rows(
      db
        .delete(eventTypes)
        .where(and(eq(eventTypes.projectId, projectId), eq(eventTypes.type, type)))
        .returning({ type: eventTypes.type }),
    );
    if (removed.length === 0) return false;
    yield* recordChange(database, db, actor, {
      id: auditId,
      projectId,
      action: 'eventTypes.remove',
      target: type,
    });
    return true;
  });
}
