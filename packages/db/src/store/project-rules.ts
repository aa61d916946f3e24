import type { Word } from '@tidings/contracts';
import { eq } from 'drizzle-orm';
import type { Database } from '../database.ts';

/** What a project says about sending to its recipients. */
export interface ProjectRules {
  projectId: string;
  timezone: string;
  /** Categories that nobody can opt out of. */
  required: string[];
  /** For whoever has said nothing else. */
  defaults: Word[];
}

/** The rules of all projects: a few rows each, for a process to remember for a few seconds. */
export async function projectRules(database: Database): Promise<ProjectRules[]> {
  const { projects, categories, preferenceDefaults } = database.tables;
  const { handle } = database;
  const all = await handle.select({ id: projects.id, timezone: projects.timezone }).from(projects);
  const required = await handle
    .select({ projectId: categories.projectId, key: categories.key })
    .from(categories)
    .where(eq(categories.required, true));
  const defaults = await handle.select().from(preferenceDefaults);
  const requiredIn = Map.groupBy(required, ({ projectId }) => projectId);
  const defaultsOf = Map.groupBy(defaults, ({ projectId }) => projectId);
  return all.map(({ id, timezone }) => ({
    projectId: id,
    timezone,
    required: (requiredIn.get(id) ?? []).map(({ key }) => key),
    defaults: defaultsOf.get(id) ?? [],
  }));
}
