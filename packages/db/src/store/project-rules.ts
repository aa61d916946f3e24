import type { Word } from '@tidings/contracts';
import { type AnyColumn, and, eq } from 'drizzle-orm';
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

/** The rules of all projects, or of one: a few rows each, for a process to remember for a few seconds. */
export async function projectRules(database: Database, projectId?: string): Promise<ProjectRules[]> {
  const { projects, categories, preferenceDefaults } = database.tables;
  const { handle } = database;
  const inProject = (column: AnyColumn) => (projectId === undefined ? undefined : eq(column, projectId));
  const all = await handle
    .select({ id: projects.id, timezone: projects.timezone })
    .from(projects)
    .where(inProject(projects.id));
  const required = await handle
    .select({ projectId: categories.projectId, key: categories.key })
    .from(categories)
    .where(and(eq(categories.required, true), inProject(categories.projectId)));
  const defaults = await handle
    .select()
    .from(preferenceDefaults)
    .where(inProject(preferenceDefaults.projectId));
  const requiredIn = Map.groupBy(required, ({ projectId }) => projectId);
  const defaultsOf = Map.groupBy(defaults, ({ projectId }) => projectId);
  return all.map(({ id, timezone }) => ({
    projectId: id,
    timezone,
    required: (requiredIn.get(id) ?? []).map(({ key }) => key),
    defaults: defaultsOf.get(id) ?? [],
  }));
}
