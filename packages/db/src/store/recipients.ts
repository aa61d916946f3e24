import type { ListRecipientsInput, UpsertRecipientInput } from '@tidings/contracts';
import { and, asc, desc, eq, gt, gte, inArray, isNull, lt, or, type SQL } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import { type Actor, recordChange } from './audit.ts';
import type { DeviceRow } from './devices.ts';

export type RecipientRow = Tables['recipients']['$inferSelect'];

/** A recipient with its devices, oldest first, deactivated ones among them. */
export interface RecipientWithDevices {
  recipient: RecipientRow;
  devices: DeviceRow[];
}

/** What is to be on record of a recipient. `id` is for a new one, `auditId` for the trail. */
export interface RecipientChange {
  projectId: string;
  actor: Actor;
  action: string;
  id: string;
  auditId: string;
  input: UpsertRecipientInput;
}

/**
 * Creates recipients, or changes the given fields of those with these external ids, all in one commit. Answers
 * them in the order of the changes.
 */
export function upsertRecipients(database: Database, changes: RecipientChange[]): Promise<RecipientRow[]> {
  return database.commit(function* (db) {
    const stored: RecipientRow[] = [];
    for (const change of changes) stored.push(yield* upsertOne(database, db, change));
    return stored;
  });
}

function* upsertOne(database: Database, db: Handle, change: RecipientChange): Steps<RecipientRow> {
  const { recipients } = database.tables;
  const { externalId, ...given } = change.input;
  const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const values = {
    ...fields,
    ...(given.attributes === null && { attributes: {} }),
    ...(given.name !== undefined && { searchName: searchKeyOrNull(given.name) }),
    ...(given.email !== undefined && { searchEmail: searchKeyOrNull(given.email) }),
    searchId: searchKey(externalId),
    updatedAt: database.now,
  };
  const [recipient] = yield* rows(
    db
      .insert(recipients)
      .values({
        id: change.id,
        projectId: change.projectId,
        externalId,
        ...values,
        createdAt: database.now,
      })
      .onConflictDoUpdate({ target: [recipients.projectId, recipients.externalId], set: values })
      .returning(),
  );
  if (recipient === undefined) throw new Error('an upsert answered no row');
  yield* recordChange(database, db, change.actor, {
    id: change.auditId,
    projectId: change.projectId,
    action: change.action,
    target: recipient.id,
    fields: Object.keys(fields),
  });
  return recipient;
}

/** Finds by our own id (`rcp_…`) or by the application's. Who was erased is not found. */
export async function findRecipient(
  database: Database,
  projectId: string,
  id: string,
): Promise<RecipientWithDevices | undefined> {
  const { recipients } = database.tables;
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
  return recipient && { recipient, devices: await devicesOf(database, [recipient.id]) };
}

/**
 * A page of recipients, newest first, with one more than asked for when there are more; those whose external id,
 * e-mail address or name begins with `search`, whatever the case. `after` goes on to older ones, `before` back to
 * newer ones.
 */
export async function listRecipients(
  database: Database,
  projectId: string,
  input: ListRecipientsInput,
): Promise<RecipientWithDevices[]> {
  const { recipients } = database.tables;
  const backwards = input.before !== undefined;
  const found = await database.handle
    .select()
    .from(recipients)
    .where(
      and(
        eq(recipients.projectId, projectId),
        isNull(recipients.erasedAt),
        input.search === undefined ? undefined : beginsWith(database, input.search),
        input.after === undefined ? undefined : lt(recipients.id, input.after),
        input.before === undefined ? undefined : gt(recipients.id, input.before),
      ),
    )
    .orderBy(backwards ? asc(recipients.id) : desc(recipients.id))
    .limit(input.limit + 1);
  const devices = await devicesOf(
    database,
    found.map(({ id }) => id),
  );
  const byRecipient = Map.groupBy(devices, ({ recipientId }) => recipientId);
  return found.map((recipient) => ({ recipient, devices: byRecipient.get(recipient.id) ?? [] }));
}

/** A range for each column, so that an index serves it and nothing in the text has a meaning of its own. */
function beginsWith({ tables: { recipients } }: Database, search: string): SQL | undefined {
  const from = searchKey(search);
  const columns = [recipients.searchId, recipients.searchEmail, recipients.searchName];
  return or(...columns.map((column) => and(gte(column, from), lt(column, `${from}${beyondAllText}`))));
}

/** The last code point sorts after every character, by code points as by octets of UTF-8. */
const beyondAllText = '\u{10ffff}\u{10ffff}';

/** Longer would not fit an index entry of Postgres, since NFKC may make one character many. */
const searchKeyAtMost = 255;

/**
 * How a text is searched: without its case, and the same for every way to write a character. Two letters whose lower
 * case depends on what is around them, or is two characters, are made one: the sigma, and the I with a dot.
 */
export function searchKey(text: string): string {
  const lower = text.normalize('NFKC').toLowerCase().replaceAll('ς', 'σ').replaceAll('i\u0307', 'i');
  const folded = lower.normalize('NFKC');
  return folded.slice(0, searchKeyAtMost).toWellFormed();
}

function searchKeyOrNull(text: string | null): string | null {
  return text === null ? null : searchKey(text);
}

/**
 * Makes recipients from before there was a search findable, at most `limit` a call. Answers how many it looked at;
 * fewer than `limit`: that was all.
 */
export function fillSearchKeys(database: Database, projectId: string, limit: number): Promise<number> {
  const { recipients } = database.tables;
  return database.commit(function* (db) {
    const missing = yield* rows(
      db
        .select()
        .from(recipients)
        .where(
          and(eq(recipients.projectId, projectId), eq(recipients.searchId, ''), isNull(recipients.erasedAt)),
        )
        .limit(limit),
    );
    for (const { id, externalId, name, email } of missing) {
      yield* rows(
        db
          .update(recipients)
          .set({
            searchId: searchKey(externalId),
            searchName: searchKeyOrNull(name),
            searchEmail: searchKeyOrNull(email),
          })
          .where(and(eq(recipients.id, id), eq(recipients.searchId, '')))
          .returning({ id: recipients.id }),
      );
    }
    return missing.length;
  });
}

async function devicesOf(database: Database, recipientIds: string[]): Promise<DeviceRow[]> {
  if (recipientIds.length === 0) return [];
  const { devices } = database.tables;
  return await database.handle
    .select()
    .from(devices)
    .where(inArray(devices.recipientId, recipientIds))
    .orderBy(asc(devices.createdAt), asc(devices.id));
}
