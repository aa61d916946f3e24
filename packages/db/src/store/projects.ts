import { defaultRetention, isAtLeast, type Retention } from '@tidings/contracts';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import { type Actor, recordChange } from './audit.ts';
import { type FirstTemplates, insertFirstTemplates } from './first-templates.ts';
import { type Page, pageById } from './pages.ts';
import { type Refusal, standingOf } from './standing.ts';

export type ProjectRow = Tables['projects']['$inferSelect'];

/** What can be changed of a project. */
export interface ProjectSettings {
  name?: string;
  defaultLocale?: string;
  timezone?: string;
  retention?: Retention;
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

/** Creates a project with its first templates, both or none; undefined when its key is taken. */
export async function createProject(
  database: Database,
  actor: Actor,
  options: {
    auditId: string;
    project: { id: string; key: string } & Required<ProjectSettings>;
    first: FirstTemplates;
  },
): Promise<ProjectRow | undefined> {
  const { projects } = database.tables;
  const { auditId, project, first } = options;
  return database.commit(function* (db) {
    const [made] = yield* rows(
      db
        .insert(projects)
        .values({ ...project, createdAt: database.now })
        .onConflictDoNothing()
        .returning(),
    );
    if (made === undefined) return undefined;
    yield* insertFirstTemplates(database, db, made.id, first);
    yield* recordChange(database, db, actor, {
      id: auditId,
      projectId: null,
      action: 'projects.create',
      target: made.key,
      fields: ['key', 'name', 'defaultLocale', 'timezone', 'retention'],
    });
    return made;
  });
}

/** A project by its key, archived or not. */
export async function findProject(database: Database, key: string): Promise<ProjectRow | undefined> {
  const { projects } = database.tables;
  const [found] = await database.handle.select().from(projects).where(eq(projects.key, key));
  return found;
}

/** A page of all projects, newest first, with one more than asked for when there are more. */
export async function listProjects(database: Database, page: Page): Promise<ProjectRow[]> {
  const { projects } = database.tables;
  const { from, order, limit } = pageById(projects.id, page);
  return database.handle.select().from(projects).where(from).orderBy(order).limit(limit);
}

/**
 * Changes the given fields; undefined when there is no such project. Only an account of an admin has the audit trail
 * kept for a shorter time: with a key one could otherwise have it forget what the key was used for.
 */
export async function updateProject(
  database: Database,
  actor: Actor,
  options: { auditId: string; id: string; settings: ProjectSettings },
): Promise<ProjectRow | Refusal | undefined> {
  const { projects } = database.tables;
  const { auditId, id, settings } = options;
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const fields = Object.keys(given);
  if (fields.length === 0) {
    const [found] = await database.handle.select().from(projects).where(eq(projects.id, id));
    return found;
  }
  return database.commit(function* (db): Steps<ProjectRow | Refusal | undefined> {
    if (settings.retention !== undefined && (yield* forgetsSooner(database, db, id, settings.retention))) {
      const standing = yield* standingOf(database, db, actor);
      if (standing === undefined) return 'logged_out';
      if (standing.role === undefined || !isAtLeast(standing.role, 'admin')) return 'forbidden';
    }
    const [changed] = yield* rows(db.update(projects).set(given).where(eq(projects.id, id)).returning());
    if (changed === undefined) return undefined;
    yield* recordChange(database, db, actor, {
      id: auditId,
      projectId: id,
      action: 'projects.update',
      target: changed.key,
      fields,
    });
    return changed;
  });
}

/** One step of a commit: would this retention keep the audit trail for a shorter time? The project is held until then. */
function* forgetsSooner(
  { tables: { projects } }: Database,
  db: Handle,
  id: string,
  { auditDays }: Retention,
): Steps<boolean> {
  const [project] = yield* rows(
    db
      .update(projects)
      .set({ key: sql`${projects.key}` })
      .where(eq(projects.id, id))
      .returning(),
  );
  const { auditDays: kept } = { ...defaultRetention, ...project?.retention };
  return (auditDays ?? Infinity) < (kept ?? Infinity);
}

/**
 * Closes a project: its keys are not found any more from then on. What it has stays, and messages that were
 * accepted still go out. Undefined when there is none that is open.
 */
export async function archiveProject(
  database: Database,
  actor: Actor,
  { auditId, key }: { auditId: string; key: string },
): Promise<ProjectRow | undefined> {
  const { projects } = database.tables;
  return database.commit(function* (db) {
    const [archived] = yield* rows(
      db
        .update(projects)
        .set({ archivedAt: database.now })
        .where(and(eq(projects.key, key), isNull(projects.archivedAt)))
        .returning(),
    );
    if (archived === undefined) return undefined;
    yield* recordChange(database, db, actor, {
      id: auditId,
      projectId: null,
      action: 'projects.archive',
      target: key,
    });
    return archived;
  });
}
