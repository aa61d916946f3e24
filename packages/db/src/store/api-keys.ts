import type { Scope } from '@tidings/contracts';
import { and, asc, desc, eq, gt, inArray, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import { type Actor, type Change, recordChange } from './audit.ts';
import type { Page } from './pages.ts';
import { type Refusal, standingOf } from './standing.ts';

export type ApiKeyRow = Tables['apiKeys']['$inferSelect'];

/** Stores a key of the start, or replaces the secret of the one with this id. */
export async function putApiKey(
  database: Database,
  key: Pick<ApiKeyRow, 'id' | 'projectId' | 'name' | 'secretHash' | 'scopes'>,
): Promise<void> {
  const { apiKeys } = database.tables;
  await database.handle
    .insert(apiKeys)
    .values({ ...key, createdAt: database.now })
    .onConflictDoUpdate({ target: apiKeys.id, set: { secretHash: key.secretHash, scopes: key.scopes } })
    .returning({ id: apiKeys.id });
}

/**
 * Makes this the only key of its name in the project that nobody created over the API: the others of that name
 * are revoked, and it is given back when it had been. One that was ended over the API stays so: it has expired.
 */
export async function putOnlyApiKey(
  database: Database,
  key: Pick<ApiKeyRow, 'id' | 'projectId' | 'name' | 'secretHash' | 'scopes'>,
): Promise<void> {
  const { apiKeys } = database.tables;
  await putApiKey(database, key);
  await database.handle
    .update(apiKeys)
    .set({ revokedAt: sql`case when ${apiKeys.id} = ${key.id} then null else ${database.now} end` })
    .where(and(eq(apiKeys.projectId, key.projectId), eq(apiKeys.name, key.name), isNull(apiKeys.createdBy)))
    .returning({ id: apiKeys.id });
}

/** A key that may be used now, and for how many milliseconds more (null: no end). */
export async function findApiKey(
  database: Database,
  id: string,
): Promise<(ApiKeyRow & { remainingMs: number | null }) | undefined> {
  const { apiKeys, projects } = database.tables;
  const remainingMs = sql<number | null>`${apiKeys.expiresAt} - ${database.now}`.mapWith(Number);
  const [found] = await database.handle
    .select({ key: apiKeys, remainingMs })
    .from(apiKeys)
    .innerJoin(projects, eq(projects.id, apiKeys.projectId))
    .where(and(eq(apiKeys.id, id), stillGood(database), isNull(projects.archivedAt)));
  return found && { ...found.key, remainingMs: found.remainingMs };
}

/** Adds a key to a project, unless whoever acts may not by now. */
export async function createApiKey(
  database: Database,
  actor: Actor,
  options: {
    auditId: string;
    key: Pick<ApiKeyRow, 'id' | 'projectId' | 'name' | 'secretHash' | 'scopes' | 'expiresAt'>;
  },
): Promise<ApiKeyRow | Refusal> {
  const { apiKeys } = database.tables;
  const { auditId, key } = options;
  return database.commit(function* (db): Steps<ApiKeyRow | Refusal> {
    const refusal = yield* refusalToMake(database, db, actor, key.scopes);
    if (refusal !== undefined) return refusal;
    const [made] = yield* rows(
      db
        .insert(apiKeys)
        .values({ ...key, createdBy: actor.id, createdAt: database.now })
        .returning(),
    );
    if (made === undefined) throw new Error('an insert answered no row');
    yield* recordChange(database, db, actor, creationOf(auditId, made));
    return made;
  });
}

/** One key of the project, good or not. */
export async function getApiKey(
  database: Database,
  projectId: string,
  id: string,
): Promise<ApiKeyRow | undefined> {
  const { apiKeys } = database.tables;
  const [found] = await database.handle
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.projectId, projectId), eq(apiKeys.id, id)));
  return found;
}

/**
 * A page of the keys of the project, newest first, with one more than asked for when there are more. Ids of keys
 * need not sort by time, so a cursor stands for its row's time and id; one that is not of the project has no row.
 */
export async function listApiKeys(database: Database, projectId: string, page: Page): Promise<ApiKeyRow[]> {
  const { apiKeys } = database.tables;
  const { limit, after, before } = page;
  const cursorId = before ?? after;
  const cursor = cursorId === undefined ? undefined : await getApiKey(database, projectId, cursorId);
  if (cursorId !== undefined && cursor === undefined) return [];
  const backwards = before !== undefined;
  const [beyond, order] = backwards ? ([gt, asc] as const) : ([lt, desc] as const);
  return database.handle
    .select()
    .from(apiKeys)
    .where(
      and(
        eq(apiKeys.projectId, projectId),
        cursor &&
          or(
            beyond(apiKeys.createdAt, cursor.createdAt),
            and(eq(apiKeys.createdAt, cursor.createdAt), beyond(apiKeys.id, cursor.id)),
          ),
      ),
    )
    .orderBy(order(apiKeys.createdAt), order(apiKeys.id))
    .limit(limit + 1);
}

/**
 * Gives a key a successor of the same name and scopes, which goes on record as any key that is made; it ends itself
 * after `overlapMs` at the latest. Undefined when it is not good any more or has a successor: of two rotations at
 * once one wins. Refused when whoever acts may not by now.
 */
export async function rotateApiKey(
  database: Database,
  actor: Actor,
  options: {
    auditId: string;
    /** Of the successor's creation. */
    successorAuditId: string;
    projectId: string;
    id: string;
    overlapMs: number;
    successor: Pick<ApiKeyRow, 'id' | 'secretHash' | 'expiresAt'>;
  },
): Promise<ApiKeyRow | Refusal | undefined> {
  const { apiKeys } = database.tables;
  const { auditId, successorAuditId, projectId, id, overlapMs, successor } = options;
  const overlapEnd = sql`${database.now} + ${overlapMs}`;
  return database.commit(function* (db): Steps<ApiKeyRow | Refusal | undefined> {
    const [kept] = yield* rows(
      db
        .select({ scopes: apiKeys.scopes })
        .from(apiKeys)
        .where(and(eq(apiKeys.projectId, projectId), eq(apiKeys.id, id))),
    );
    const refusal = yield* refusalToMake(database, db, actor, kept?.scopes ?? []);
    if (refusal !== undefined) return refusal;
    const [old] = yield* rows(
      db
        .update(apiKeys)
        .set({ rotatedTo: successor.id, expiresAt: noLater(apiKeys.expiresAt, overlapEnd) })
        .where(
          and(
            eq(apiKeys.projectId, projectId),
            eq(apiKeys.id, id),
            isNull(apiKeys.rotatedTo),
            stillGood(database),
          ),
        )
        .returning(),
    );
    if (old === undefined) return undefined;
    const { name, scopes } = old;
    const [made] = yield* rows(
      db
        .insert(apiKeys)
        .values({ ...successor, projectId, name, scopes, createdBy: actor.id, createdAt: database.now })
        .returning(),
    );
    yield* recordChange(database, db, actor, {
      id: auditId,
      projectId,
      action: 'apiKeys.rotate',
      target: id,
      fields: ['rotatedTo', 'expiresAt'],
    });
    if (made !== undefined) yield* recordChange(database, db, actor, creationOf(successorAuditId, made));
    return made;
  });
}

/**
 * Ends a key for good; undefined when there is none that was not revoked. It expires as well: by `revokedAt`
 * alone the next start would give the key of the environment back.
 */
export async function revokeApiKey(
  database: Database,
  actor: Actor,
  options: { auditId: string; projectId: string; id: string },
): Promise<ApiKeyRow | undefined> {
  const { apiKeys } = database.tables;
  const { auditId, projectId, id } = options;
  return database.commit(function* (db) {
    const [revoked] = yield* rows(
      db
        .update(apiKeys)
        .set({ revokedAt: database.now, expiresAt: noLater(apiKeys.expiresAt, database.now) })
        .where(and(eq(apiKeys.projectId, projectId), eq(apiKeys.id, id), isNull(apiKeys.revokedAt)))
        .returning(),
    );
    if (revoked === undefined) return undefined;
    yield* recordChange(database, db, actor, {
      id: auditId,
      projectId,
      action: 'apiKeys.revoke',
      target: id,
      fields: ['revokedAt'],
    });
    return revoked;
  });
}

/** Notes that these keys were used just now. */
export async function markKeysUsed(database: Database, ids: readonly string[]): Promise<void> {
  const { apiKeys } = database.tables;
  await database.handle
    .update(apiKeys)
    .set({ lastUsedAt: database.now })
    .where(inArray(apiKeys.id, [...ids]))
    .returning({ id: apiKeys.id });
}

function creationOf(auditId: string, { id, projectId, expiresAt }: ApiKeyRow): Change {
  const fields = expiresAt === null ? ['name', 'scopes'] : ['name', 'scopes', 'expiresAt'];
  return { id: auditId, projectId, action: 'apiKeys.create', target: id, fields };
}

/** One step of a commit: why this actor makes no key of these scopes now; undefined when it may. */
function* refusalToMake(
  database: Database,
  db: Handle,
  actor: Actor,
  wanted: readonly Scope[],
): Steps<Refusal | undefined> {
  const standing = yield* standingOf(database, db, actor);
  if (standing === undefined) return 'logged_out';
  const needed: readonly Scope[] = ['manage', ...wanted];
  return needed.every((scope) => standing.scopes.includes(scope)) ? undefined : 'forbidden';
}

/** Neither revoked nor past its end. */
export function stillGood({ tables: { apiKeys }, now }: Database): SQL | undefined {
  return and(isNull(apiKeys.revokedAt), or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, now)));
}

function noLater(instant: Tables['apiKeys']['expiresAt'], end: SQL): SQL {
  return sql`case when ${instant} < ${end} then ${instant} else ${end} end`;
}
