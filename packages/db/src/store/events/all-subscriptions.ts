import { and, asc, eq, isNull } from 'drizzle-orm';
import type { Database } from '../../database.ts';
import type { SubscriptionRow } from './copy-types.ts';

/** What to call a subscription among those of all projects. */
export interface NamedSubscription extends Pick<SubscriptionRow, 'id' | 'projectId' | 'name' | 'kind'> {
  projectKey: string;
}

/** The subscriptions of all projects that were not removed, by project and name, as many as `limit`. */
export async function allSubscriptions(database: Database, limit: number): Promise<NamedSubscription[]> {
  const { projects, subscriptions } = database.tables;
  return await database.handle
    .select({
      id: subscriptions.id,
      projectId: subscriptions.projectId,
      projectKey: projects.key,
      name: subscriptions.name,
      kind: subscriptions.kind,
    })
    .from(subscriptions)
    .innerJoin(projects, eq(projects.id, subscriptions.projectId))
    .where(and(isNull(subscriptions.removedAt), isNull(projects.archivedAt)))
    .orderBy(asc(projects.key), asc(subscriptions.name))
    .limit(limit);
}
