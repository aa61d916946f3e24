import { type Channel, platforms } from '@tidings/contracts';
import { and, desc, eq, inArray, isNull, lt, ne, or, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { ErasedAddresses, Tables } from '../schema/tables.ts';
import { forgetEventsAbout, forgetEventsOf } from './events/forget-events.ts';
import { forgetNotifications, forgetPerson, forgetSuppressed, inPieces } from './forget.ts';
import { searchKey } from './recipients.ts';

export type ErasureRow = Tables['erasures']['$inferSelect'];

/** Notifications that one commit empties, and those that one looks through for an address. */
const emptiedAtOnce = 50;
const lookedThroughAtOnce = 500;

/** How far a piece of an erasure got. */
interface Progress {
  /** Where to go on; null at the end of its step. */
  cursor: string | null;
  /** Those of the erasure, and whatever else its notifications had gone to. */
  addresses: ErasedAddresses;
}

/** One piece of an erasure, within a commit. Newest first, since what is not sent yet is among the newest. */
export function* takeStep(database: Database, db: Handle, erasure: ErasureRow): Steps<Progress> {
  const { notifications } = database.tables;
  const { recipientId, projectId, cursor, step } = erasure;
  const isDirect = step === 'direct';
  if (step === 'events') return yield* forgetSomeEvents(database, db, erasure);
  if (step === 'late' && cursor === null) yield* forgetPerson(database, db, recipientId);
  const limit = isDirect ? lookedThroughAtOnce : emptiedAtOnce;
  const page = yield* rows(
    db
      .select({ id: notifications.id, recipientId: notifications.recipientId })
      .from(notifications)
      .where(
        and(
          eq(notifications.projectId, projectId),
          isDirect ? undefined : eq(notifications.recipientId, recipientId),
          cursor === null ? undefined : lt(notifications.id, cursor),
        ),
      )
      .orderBy(desc(notifications.id))
      .limit(limit),
  );
  const ids = isDirect ? yield* adoptDirect(database, db, erasure, page) : page.map(({ id }) => id);
  const addresses =
    step === 'own'
      ? yield* withoutOthers(database, db, erasure, yield* withAddressesOf(database, db, erasure, ids))
      : erasure.addresses;
  yield* forgetNotifications(database, db, ids);
  yield* forgetEventsOf(database, db, { projectId, notificationIds: ids });
  // Afterwards: no bounce can add an address any more that its message has not.
  yield* forgetSuppressed(database, db, projectId, addresses);
  return { cursor: page.length < limit ? null : (page.at(-1)?.id ?? null), addresses };
}

/** Each loses its subject, so the next piece finds others: there is no place to remember, only that there are more. */
function* forgetSomeEvents(database: Database, db: Handle, erasure: ErasureRow): Steps<Progress> {
  const { recipientId, projectId, addresses } = erasure;
  const { externalId } = addresses;
  const more = yield* forgetEventsAbout(database, db, {
    projectId,
    subjects: externalId === undefined ? [recipientId] : [recipientId, externalId],
    limit: emptiedAtOnce,
  });
  return { cursor: more ? 'more' : null, addresses };
}

/** An address or a device that the person had before is its own too. */
function* withAddressesOf(
  { tables: { messages } }: Database,
  db: Handle,
  { addresses }: ErasureRow,
  ids: string[],
): Steps<ErasedAddresses> {
  if (ids.length === 0) return addresses;
  const found = yield* rows(
    db
      .select({ channel: messages.channel, address: messages.address })
      .from(messages)
      .where(inArray(messages.notificationId, ids))
      .groupBy(messages.channel, messages.address),
  );
  const of = (channel: Channel) =>
    found.flatMap((one) => (one.channel === channel && one.address !== null ? [one.address] : []));
  const emails = of('email').map((email) => email.toLowerCase());
  return {
    ...addresses,
    emails: [...new Set([...addresses.emails, ...emails])],
    tokens: [...new Set([...addresses.tokens, ...of('push')])],
  };
}

/** What is somebody else's by now is not looked for: an address that was handed on, a device with a new owner. */
function* withoutOthers(
  { tables: { recipients, devices } }: Database,
  db: Handle,
  { projectId, recipientId }: ErasureRow,
  { emails, tokens, ...rest }: ErasedAddresses,
): Steps<ErasedAddresses> {
  const taken = new Set<string>();
  const ofOthers = and(
    eq(recipients.projectId, projectId),
    ne(recipients.id, recipientId),
    isNull(recipients.erasedAt),
  );
  for (const some of inPieces(emails, 500)) {
    const found = yield* rows(
      db
        .select({ email: recipients.email })
        .from(recipients)
        .where(and(ofOthers, inArray(recipients.searchEmail, some.map(searchKey)))),
    );
    for (const { email } of found) taken.add(`email ${email?.toLowerCase()}`);
  }
  for (const some of inPieces(tokens, 500)) {
    const found = yield* rows(
      db
        .select({ token: devices.token })
        .from(devices)
        .where(
          and(
            eq(devices.projectId, projectId),
            inArray(devices.platform, [...platforms]),
            inArray(devices.token, some),
            ne(devices.recipientId, recipientId),
          ),
        ),
    );
    for (const { token } of found) taken.add(`token ${token}`);
  }
  return {
    ...rest,
    emails: emails.filter((email) => !taken.has(`email ${email}`)),
    tokens: tokens.filter((token) => !taken.has(`token ${token}`)),
  };
}

/**
 * Of these notifications those that went to one of the addresses without naming a recipient. From now on they are
 * the tombstone's, so that the last step finds them.
 */
function* adoptDirect(
  database: Database,
  db: Handle,
  { recipientId, addresses }: ErasureRow,
  page: Array<{ id: string; recipientId: string | null }>,
): Steps<string[]> {
  const { notifications, messages } = database.tables;
  const direct = page.flatMap((one) => (one.recipientId === null ? [one.id] : []));
  if (direct.length === 0) return [];
  const { emails, tokens } = addresses;
  const theirs = yield* rows(
    db
      .select({ id: messages.notificationId })
      .from(messages)
      .where(
        and(
          inArray(messages.notificationId, direct),
          or(
            emails.length === 0
              ? undefined
              : and(eq(messages.channel, 'email'), inArray(sql`lower(${messages.address})`, emails)),
            tokens.length === 0
              ? undefined
              : and(eq(messages.channel, 'push'), inArray(messages.address, tokens)),
          ),
        ),
      ),
  );
  const ids = [...new Set(theirs.map(({ id }) => id))];
  if (ids.length === 0) return [];
  yield* rows(
    db
      .update(notifications)
      .set({ recipientId })
      .where(and(inArray(notifications.id, ids), isNull(notifications.recipientId)))
      .returning({ id: notifications.id }),
  );
  return ids;
}
