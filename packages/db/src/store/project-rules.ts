import type { Word } from '@tidings/contracts';
import { type AnyColumn, eq } from 'drizzle-orm';
import type { Database } from '../database.ts';

/** What a project says about sending to its recipients. */
export interface ProjectRules {
  projectId: string;
  timezone: string;
  /** Categories that nobody can opt out of. */
  required: string[];
  /** Declared ones that anybody can opt out of. */
  optional: string[];
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
  const declared = await handle
    .select({ projectId: categories.projectId, key: categories.key, required: categories.required })
    .from(categories)
    .where(inProject(categories.projectId));
  const defaults = await handle
    .select()
    .from(preferenceDefaults)
    .where(inProject(preferenceDefaults.projectId));
  const declaredIn = Map.groupBy(declared, ({ projectId }) => projectId);
  const defaultsOf = Map.groupBy(defaults, ({ projectId }) => projectId);
  const keysOf = (id: string, isRequired: boolean) =>
    (declaredIn.get(id) ?? []).flatMap(({ key, required }) => (required === isRequired ? [key] : []));
  return all.map(({ id, timezone }) => ({
    projectId: id,
    timezone,
    required: keysOf(id, true),
    optional: keysOf(id, false),
    defaults: defaultsOf.get(id) ?? [],
  }));
}
