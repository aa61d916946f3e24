import { and, eq, isNull, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import { type Recorded, recordChange } from './audit.ts';
import { type Happened, projectsThatAsk, storeHappenings } from './events/happenings.ts';
import { happenedTo } from './events/message-happenings.ts';
import { addressHash, ensureSuppressionKey, recordHashes } from './suppressions.ts';

/** The key of a project's suppressions, which is `newKey` where it has none yet. It never changes. */
export function suppressionKeyOf(database: Database, projectId: string, newKey: string): Promise<string> {
  return database.commit((db) => ensureSuppressionKey(database, db, projectId, newKey));
}

/** What a page to unsubscribe shows, and the key that its link was signed with. */
export interface UnsubscribePage {
  suppressionKey: string;
  project: string;
  category: string;
}

/** Undefined for a project that never had a link. Projects and categories without a name go by their keys. */
export async function findUnsubscribePage(
  database: Database,
  projectId: string,
  category: string,
): Promise<UnsubscribePage | undefined> {
  const { projects, categories } = database.tables;
  const [found] = await database.handle
    .select({
      suppressionKey: projects.suppressionKey,
      key: projects.key,
      name: projects.name,
      category: categories.name,
    })
    .from(projects)
    .leftJoin(categories, and(eq(categories.projectId, projects.id), eq(categories.key, category)))
    .where(eq(projects.id, projectId));
  if (found === undefined || found.suppressionKey === null) return undefined;
  return {
    suppressionKey: found.suppressionKey,
    project: found.name ?? found.key,
    category: found.category ?? category,
  };
}

/** Who does not want e-mails of a category any more, and which message said where to say so. */
export interface Unsubscribing extends Recorded {
  projectId: string;
  messageId: string;
  category: string;
  subject: { recipientId: string } | { addressHash: string };
  newId: () => string;
}

/** Of what is told by a link there is one row for each message. */
const eventId = 'one_click';

/**
 * Takes somebody off a category's e-mails: a recipient by its preference, an address by the list of suppressions. If
 * the message is still there, its feedback says so, and a happening does anyhow. Done again, or of a recipient that was
 * erased, it changes nothing.
 */
export function unsubscribe(database: Database, unsubscribing: Unsubscribing): Promise<void> {
  const { messages, feedback } = database.tables;
  const { projectId, messageId, subject } = unsubscribing;
  return database.commit(function* (db) {
    // Takes the row first: an erasure finds the address on the list then, or has taken it from the message before.
    const [message] = yield* rows(
      db
        .update(messages)
        .set({ attempt: sql`${messages.attempt}` })
        .where(and(eq(messages.id, messageId), eq(messages.projectId, projectId)))
        .returning({ id: messages.id, address: messages.address }),
    );
    const at =
      'recipientId' in subject
        ? yield* optOut(database, db, unsubscribing, subject.recipientId)
        : yield* suppress(database, db, unsubscribing, subject.addressHash, message?.address ?? null);
    if (at !== undefined) yield* tell({ database, db, unsubscribing, isKnown: message !== undefined, at });
    if (message === undefined) return;
    yield* rows(
      db
        .insert(feedback)
        .values({
          messageId,
          type: 'unsubscribed',
          eventId,
          source: 'one_click',
          at: database.now,
          receivedAt: database.now,
        })
        .onConflictDoNothing()
        .returning({ eventId: feedback.eventId }),
    );
  });
}

/** Answers when it was put on record; undefined where it was so before. */
function* optOut(
  database: Database,
  db: Handle,
  { projectId, category, actor, change }: Unsubscribing,
  recipientId: string,
): Steps<number | undefined> {
  const { recipients, preferences } = database.tables;
  const found = yield* rows(
    db
      .update(recipients)
      .set({ updatedAt: database.now })
      .where(
        and(eq(recipients.id, recipientId), eq(recipients.projectId, projectId), isNull(recipients.erasedAt)),
      )
      .returning({ id: recipients.id }),
  );
  if (found.length === 0) return undefined;
  const said = yield* rows(
    db
      .insert(preferences)
      .values({
        projectId,
        recipientId,
        channel: 'email',
        category,
        enabled: false,
        updatedAt: database.now,
      })
      .onConflictDoUpdate({
        target: [preferences.recipientId, preferences.channel, preferences.category],
        set: { enabled: sql`excluded.enabled`, updatedAt: database.now },
        setWhere: eq(preferences.enabled, true),
      })
      .returning({ at: preferences.updatedAt }),
  );
  if (said.length === 0) return undefined;
  yield* recordChange(database, db, actor, { ...change, target: recipientId });
  return said[0]?.at;
}

/**
 * The message's address is kept beside the hash if it is the one that was meant, so that the list can show it. Answers
 * when it was put on the list; undefined where it was there before.
 */
function* suppress(
  database: Database,
  db: Handle,
  { projectId, messageId, category, actor, change, newId }: Unsubscribing,
  hash: string,
  address: string | null,
): Steps<number | undefined> {
  const { projects } = database.tables;
  const [{ key } = { key: null }] = yield* rows(
    db.select({ key: projects.suppressionKey }).from(projects).where(eq(projects.id, projectId)),
  );
  const isSame = key !== null && address !== null && addressHash(key, 'email', address) === hash;
  const entry = {
    channel: 'email',
    addressHash: hash,
    address: isSame ? address : null,
    category,
    reason: 'unsubscribed',
    messageId,
  } as const;
  const [added] = yield* recordHashes({ database, db, projectId, entries: [entry], newId });
  if (added === undefined) return undefined;
  yield* recordChange(database, db, actor, { ...change, target: added.id });
  return added.createdAt;
}

/** A happening, with what is still known of the message that had the link: it may have been removed long ago. */
function* tell(options: {
  database: Database;
  db: Handle;
  unsubscribing: Unsubscribing;
  isKnown: boolean;
  at: number;
}): Steps<void> {
  const { database, db, unsubscribing, isKnown, at } = options;
  const { projectId, messageId, category, subject } = unsubscribing;
  const asking = yield* projectsThatAsk(database, db, [projectId]);
  if (!asking.has(projectId)) return;
  const type = 'recipient.unsubscribed';
  const [known] = isKnown ? yield* happenedTo(database, db, [{ messageId, type, at }]) : [];
  const recipientId = 'recipientId' in subject ? subject.recipientId : null;
  const happened: Happened = known ?? {
    projectId,
    type,
    subject: recipientId,
    occurredAt: at,
    data: { ...nothingKnown, messageId, recipientId },
    now: at,
    facts: [messageId],
  };
  yield* storeHappenings(database, db, [{ ...happened, data: { ...happened.data, category } }]);
}

const nothingKnown = {
  notificationId: null,
  channel: 'email',
  status: null,
  reason: null,
  template: null,
  metadata: {},
};
