import type { Channel } from '@tidings/contracts';
import { and, asc, eq } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import { type Recorded, recordChange } from './audit.ts';

export type ProviderRow = Tables['providers']['$inferSelect'];
export type RouteRow = Tables['routes']['$inferSelect'];

/** What is stored of a provider beside its id and instants. */
export type ProviderFields = Pick<
  ProviderRow,
  'name' | 'kind' | 'shown' | 'sealed' | 'perSecond' | 'enabled'
>;

/** Stores a provider; undefined when the project has one of this name. */
export function createProvider(
  database: Database,
  projectId: string,
  provider: ProviderFields & { id: string },
  { actor, change }: Recorded,
): Promise<ProviderRow | undefined> {
  const { providers } = database.tables;
  return database.commit(function* (db) {
    const [stored] = yield* rows(
      db
        .insert(providers)
        .values({ ...provider, projectId, createdAt: database.now, updatedAt: database.now })
        .onConflictDoNothing()
        .returning(),
    );
    if (stored !== undefined) yield* recordChange(database, db, actor, change);
    return stored;
  });
}

/** The providers of a project, by name. */
export async function listProviders(database: Database, projectId: string): Promise<ProviderRow[]> {
  const { providers } = database.tables;
  return await database.handle
    .select()
    .from(providers)
    .where(eq(providers.projectId, projectId))
    .orderBy(asc(providers.name));
}

export async function getProvider(
  database: Database,
  projectId: string,
  id: string,
): Promise<ProviderRow | undefined> {
  const { providers } = database.tables;
  const [found] = await database.handle
    .select()
    .from(providers)
    .where(and(eq(providers.projectId, projectId), eq(providers.id, id)));
  return found;
}

/** The provider of this id in whatever project: its own webhook names no other. */
export async function findProvider(database: Database, id: string): Promise<ProviderRow | undefined> {
  const { providers } = database.tables;
  const [found] = await database.handle.select().from(providers).where(eq(providers.id, id));
  return found;
}

/** Changes the given fields; undefined when there is no such provider, `taken` when another has the name. */
export function updateProvider(
  database: Database,
  projectId: string,
  { id, ...fields }: Partial<ProviderFields> & { id: string },
  { actor, change }: Recorded,
): Promise<ProviderRow | 'taken' | undefined> {
  const { providers } = database.tables;
  return database.commit(function* (db): Steps<ProviderRow | 'taken' | undefined> {
    if (fields.name !== undefined) {
      const [other] = yield* rows(
        db
          .select({ id: providers.id })
          .from(providers)
          .where(and(eq(providers.projectId, projectId), eq(providers.name, fields.name))),
      );
      if (other !== undefined && other.id !== id) return 'taken';
    }
    const [stored] = yield* rows(
      db
        .update(providers)
        .set({ ...fields, updatedAt: database.now })
        .where(and(eq(providers.projectId, projectId), eq(providers.id, id)))
        .returning(),
    );
    if (stored !== undefined) yield* recordChange(database, db, actor, change);
    return stored;
  });
}

/** Removes a provider that no route names. */
export function removeProvider(
  database: Database,
  projectId: string,
  id: string,
  { actor, change }: Recorded,
): Promise<'removed' | 'in_use' | undefined> {
  const { providers } = database.tables;
  return database.commit(function* (db): Steps<'removed' | 'in_use' | undefined> {
    // Routes are written under the lock of their project's providers: see `setRoute`.
    const [found] = yield* lockedProviders(database, db, projectId, [id]);
    if (found === undefined) return undefined;
    const named = yield* routesOf(database, db, projectId);
    if (named.some(({ providerIds }) => providerIds.includes(id))) return 'in_use';
    yield* rows(db.delete(providers).where(eq(providers.id, id)).returning({ id: providers.id }));
    yield* recordChange(database, db, actor, change);
    return 'removed';
  });
}

/** The routes that a project has set. */
export async function listRoutes(database: Database, projectId: string): Promise<RouteRow[]> {
  const { routes } = database.tables;
  return await database.handle.select().from(routes).where(eq(routes.projectId, projectId));
}

/**
 * Sets the route of a channel, or with no providers takes it back. Answers the kinds of those that it names, in their
 * order, for the caller to check; undefined where one is missing: nothing was stored then.
 *
 * @param isFit looks at the kinds before anything is stored
 */
export function setRoute(
  database: Database,
  projectId: string,
  route: { channel: Channel; providerIds: string[]; isFit: (kind: ProviderRow['kind']) => boolean },
  { actor, change }: Recorded,
): Promise<RouteRow | 'cleared' | undefined> {
  const { routes } = database.tables;
  const { channel, providerIds, isFit } = route;
  return database.commit(function* (db): Steps<RouteRow | 'cleared' | undefined> {
    const named = yield* lockedProviders(database, db, projectId, providerIds);
    if (named.length < providerIds.length || !named.every(({ kind }) => isFit(kind))) return undefined;
    yield* recordChange(database, db, actor, change);
    if (providerIds.length === 0) {
      const own = and(eq(routes.projectId, projectId), eq(routes.channel, channel));
      yield* rows(db.delete(routes).where(own).returning({ channel: routes.channel }));
      return 'cleared';
    }
    const fields = { providerIds, updatedAt: database.now };
    const [stored] = yield* rows(
      db
        .insert(routes)
        .values({ projectId, channel, ...fields })
        .onConflictDoUpdate({ target: [routes.projectId, routes.channel], set: fields })
        .returning(),
    );
    return stored;
  });
}

/** Everything that workers must know to deliver for projects with providers of their own. */
export async function allRoutes(
  database: Database,
): Promise<{ routes: RouteRow[]; providers: ProviderRow[] }> {
  const { routes, providers } = database.tables;
  const set = await database.handle.select().from(routes);
  if (set.length === 0) return { routes: set, providers: [] };
  return { routes: set, providers: await database.handle.select().from(providers) };
}

/** Of these ids the providers of the project, held until the commit: none is removed meanwhile. */
function* lockedProviders(
  { tables: { providers } }: Database,
  db: Handle,
  projectId: string,
  ids: string[],
): Steps<Array<Pick<ProviderRow, 'id' | 'kind'>>> {
  const found: Array<Pick<ProviderRow, 'id' | 'kind'>> = [];
  for (const id of [...ids].sort()) {
    const taken = yield* rows(
      db
        .update(providers)
        .set({ id })
        .where(and(eq(providers.projectId, projectId), eq(providers.id, id)))
        .returning({ id: providers.id, kind: providers.kind }),
    );
    found.push(...taken);
  }
  return found;
}

function* routesOf({ tables: { routes } }: Database, db: Handle, projectId: string): Steps<RouteRow[]> {
  return yield* rows(db.select().from(routes).where(eq(routes.projectId, projectId)));
}
