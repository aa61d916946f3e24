import { and, eq, isNull, sql } from 'drizzle-orm';
import type { Database } from '../database.ts';
import type { Tables } from '../schema/tables.ts';

export type ApiKeyRow = Tables['apiKeys']['$inferSelect'];

export type ProjectRow = Tables['projects']['$inferSelect'];

/** A project that is not archived, by its key. */
export async function findProject(database: Database, key: string): Promise<ProjectRow | undefined> {
  const { projects } = database.tables;
  const [found] = await database.handle
    .select()
    .from(projects)
    .where(and(eq(projects.key, key), isNull(projects.archivedAt)));
  return found;
}

/** Creates the project unless its key is taken. Answers its id either way. */
export async function ensureProject(
  database: Database,
  project: { id: string; key: string },
): Promise<string> {
  const { projects } = database.tables;
  await database.handle
    .insert(projects)
    .values({ ...project, createdAt: database.now })
    .onConflictDoNothing()
    .returning({ id: projects.id });
  const [found] = await database.handle
    .select({ id: projects.id })
    .from(projects)
    .where(eq(projects.key, project.key));
  if (found === undefined) throw new Error(`project ${project.key} is missing`);
  return found.id;
}

/** Stores a key, or replaces the secret of the one with this id. */
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
 * Makes this the only key of its name in the project: the others of that name are revoked, and it is given
 * back when it had been.
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
    .where(and(eq(apiKeys.projectId, key.projectId), eq(apiKeys.name, key.name)))
    .returning({ id: apiKeys.id });
}

/** A key that may be used now. */
export async function findApiKey(database: Database, id: string): Promise<ApiKeyRow | undefined> {
  const { apiKeys } = database.tables;
  const [found] = await database.handle
    .select()
    .from(apiKeys)
    .where(
      and(
        eq(apiKeys.id, id),
        isNull(apiKeys.revokedAt),
        sql`(${apiKeys.expiresAt} is null or ${apiKeys.expiresAt} > ${database.now})`,
      ),
    );
  return found;
}
