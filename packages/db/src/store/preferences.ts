import { channels, type QuietHours, type Word } from '@tidings/contracts';
import { and, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import { type Actor, recordChange } from './audit.ts';
import { type CategoryRow, listCategories } from './categories.ts';
import type { RecipientRow } from './recipients.ts';

/** A word to be put on record; with null it is taken back. */
export type WordChange = Omit<Word, 'enabled'> & { enabled: boolean | null };

/** Everything that says what a recipient gets. */
export interface RecipientPreferences {
  recipient: RecipientRow;
  words: Word[];
  defaults: Word[];
  categories: CategoryRow[];
}

/** By our own id (`rcp_…`) or the application's; undefined when there is no such recipient any more. */
export async function findPreferences(
  database: Database,
  projectId: string,
  id: string,
): Promise<RecipientPreferences | undefined> {
  const { recipients, preferences } = database.tables;
  const [recipient] = await database.handle
    .select()
    .from(recipients)
    .where(
      and(
        eq(recipients.projectId, projectId),
        id.startsWith('rcp_') ? eq(recipients.id, id) : eq(recipients.externalId, id),
        isNull(recipients.erasedAt),
      ),
    );
  if (recipient === undefined) return undefined;
  const words = await database.handle
    .select({
      channel: preferences.channel,
      category: preferences.category,
      enabled: preferences.enabled,
    })
    .from(preferences)
    .where(eq(preferences.recipientId, recipient.id));
  const defaults = await listPreferenceDefaults(database, projectId);
  return { recipient, words, defaults, categories: await listCategories(database, projectId) };
}

/**
 * Changes what a recipient wants: the given words, and those of the fields that are given. Answers whether the
 * recipient is still there. `auditId` is for the row of the audit trail.
 */
export function setPreferences(
  database: Database,
  actor: Actor,
  input: {
    projectId: string;
    /** Our own. */
    recipientId: string;
    words: WordChange[];
    fields: { quietHours?: QuietHours | null; timezone?: string | null; locale?: string | null };
    auditId: string;
  },
): Promise<boolean> {
  const { recipients, preferences } = database.tables;
  const { projectId, recipientId, words, fields, auditId } = input;
  return database.commit(function* (db) {
    const found = yield* rows(
      db
        .update(recipients)
        .set({ ...fields, updatedAt: database.now })
        .where(
          and(
            eq(recipients.id, recipientId),
            eq(recipients.projectId, projectId),
            isNull(recipients.erasedAt),
          ),
        )
        .returning({ id: recipients.id }),
    );
    if (found.length === 0) return false;
    const said = words.flatMap(({ enabled, ...word }) => (enabled === null ? [] : [{ ...word, enabled }]));
    if (said.length > 0) {
      yield* rows(
        db
          .insert(preferences)
          .values(said.map((word) => ({ ...word, projectId, recipientId, updatedAt: database.now })))
          .onConflictDoUpdate({
            target: [preferences.recipientId, preferences.channel, preferences.category],
            set: { enabled: sql`excluded.enabled`, updatedAt: database.now },
          })
          .returning({ channel: preferences.channel }),
      );
    }
    yield* takeBack(db, preferences, eq(preferences.recipientId, recipientId), words);
    yield* recordChange(database, db, actor, {
      id: auditId,
      projectId,
      action: 'preferences.set',
      target: recipientId,
      fields: [...(words.length > 0 ? ['preferences'] : []), ...Object.keys(fields)],
    });
    return true;
  });
}

/** What the project has said for whoever has said nothing else. */
export async function listPreferenceDefaults(database: Database, projectId: string): Promise<Word[]> {
  const { preferenceDefaults } = database.tables;
  return await database.handle
    .select({
      channel: preferenceDefaults.channel,
      category: preferenceDefaults.category,
      enabled: preferenceDefaults.enabled,
    })
    .from(preferenceDefaults)
    .where(eq(preferenceDefaults.projectId, projectId));
}

/** Changes what holds for whoever has said nothing else. */
export function setPreferenceDefaults(
  database: Database,
  actor: Actor,
  { projectId, words, auditId }: { projectId: string; words: WordChange[]; auditId: string },
): Promise<void> {
  const { preferenceDefaults } = database.tables;
  return database.commit(function* (db) {
    const said = words.flatMap(({ enabled, ...word }) => (enabled === null ? [] : [{ ...word, enabled }]));
    if (said.length > 0) {
      yield* rows(
        db
          .insert(preferenceDefaults)
          .values(said.map((word) => ({ ...word, projectId, updatedAt: database.now })))
          .onConflictDoUpdate({
            target: [preferenceDefaults.projectId, preferenceDefaults.channel, preferenceDefaults.category],
            set: { enabled: sql`excluded.enabled`, updatedAt: database.now },
          })
          .returning({ channel: preferenceDefaults.channel }),
      );
    }
    yield* takeBack(db, preferenceDefaults, eq(preferenceDefaults.projectId, projectId), words);
    yield* recordChange(database, db, actor, {
      id: auditId,
      projectId,
      action: 'preferenceDefaults.set',
      target: projectId,
      fields: ['preferences'],
    });
  });
}

type TableOfWords = Database['tables']['preferences'] | Database['tables']['preferenceDefaults'];

/** Removes the words that are null, of whoever's they are. */
function* takeBack(db: Handle, table: TableOfWords, whose: SQL, words: WordChange[]): Steps<void> {
  for (const channel of channels) {
    const gone = words.filter((word) => word.enabled === null && word.channel === channel);
    if (gone.length === 0) continue;
    yield* rows(
      db
        .delete(table)
        .where(
          and(
            whose,
            eq(table.channel, channel),
            inArray(
              table.category,
              gone.map(({ category }) => category),
            ),
          ),
        )
        .returning({ channel: table.channel }),
    );
  }
}

/** Does this recipient's token still mean somebody: neither erased nor of an archived project? */
export async function isLiveRecipient(database: Database, projectId: string, id: string): Promise<boolean> {
  const { recipients, projects } = database.tables;
  const found = await database.handle
    .select({ id: recipients.id })
    .from(recipients)
    .innerJoin(projects, eq(projects.id, recipients.projectId))
    .where(
      and(
        eq(recipients.id, id),
        eq(recipients.projectId, projectId),
        isNull(recipients.erasedAt),
        isNull(projects.archivedAt),
      ),
    );
  return found.length > 0;
}
