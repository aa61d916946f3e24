import type { ActorKind } from '@tidings/contracts';
import { and, eq, isNull } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import { type Page, pageById } from './pages.ts';

export type AuditRow = Tables['audit']['$inferSelect'];

/** Who changes something, and from where. */
export interface Actor {
  kind: ActorKind;
  /** Empty for anyone and for the system itself. */
  id: string;
  /** Of an account: the login that it acts with. */
  sessionId?: string;
  /** IP address; empty when it is not known. */
  address: string;
  requestId: string;
}

/** What somebody changed. Names of fields, never what they hold. */
export interface Change {
  /** A row's id, from `newId('audit')`. */
  id: string;
  /** Null for what belongs to the instance. */
  projectId: string | null;
  /** The operation's name, such as `recipients.upsert`. */
  action: string;
  /** Id or key of what was changed. */
  target: string;
  fields?: string[];
}

/** Who does it, and the row of the audit trail that says so. */
export interface Recorded {
  actor: Actor;
  change: Change;
}

/** One step of a commit: who did this, on record if and only if it was done. */
export function* recordChange(
  database: Database,
  db: Handle,
  actor: Actor,
  { fields = [], ...change }: Change,
): Steps<void> {
  const { audit } = database.tables;
  yield* rows(
    db
      .insert(audit)
      .values({
        ...change,
        fields,
        actorKind: actor.kind,
        actorId: actor.id,
        address: actor.address,
        requestId: actor.requestId,
        at: database.now,
      })
      .returning({ id: audit.id }),
  );
}

/** Puts on record what changes nothing else there: a credential that was handed out, somebody who was shut out. */
export function noteEvent(database: Database, actor: Actor, change: Change): Promise<void> {
  return database.commit((db) => recordChange(database, db, actor, change));
}

/** What a page of the audit trail is asked with. */
export interface AuditFilters extends Page {
  actorId?: string;
  action?: string;
  target?: string;
}

/** The audit trail, newest first, one more than asked for when there is more: of a project, or with null of the instance. */
export async function listAudit(
  database: Database,
  projectId: string | null,
  { actorId, action, target, ...page }: AuditFilters,
): Promise<AuditRow[]> {
  const { audit } = database.tables;
  const { from, order, limit } = pageById(audit.id, page);
  return database.handle
    .select()
    .from(audit)
    .where(
      and(
        projectId === null ? isNull(audit.projectId) : eq(audit.projectId, projectId),
        from,
        actorId === undefined ? undefined : eq(audit.actorId, actorId),
        action === undefined ? undefined : eq(audit.action, action),
        target === undefined ? undefined : eq(audit.target, target),
      ),
    )
    .orderBy(order)
    .limit(limit);
}
