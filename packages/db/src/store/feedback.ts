import type { FeedbackType } from '@tidings/contracts';
import { and, count, eq, inArray, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import { isTold } from './events/happenings.ts';
import { followFeedback } from './feedback-moves.ts';
import { inPieces } from './forget.ts';

export type FeedbackRow = Tables['feedback']['$inferSelect'];

/** What somebody tells of a message that was handed over. */
export interface Feedback {
  /** Our id of the message; or else the provider's own. */
  messageId?: string;
  providerMessageId?: string;
  type: FeedbackType;
  /** Its sender's own id: what has the same is recorded once. Without one, `at` stands for it. */
  eventId?: string;
  /** When it happened, in milliseconds since the epoch; without it, now. */
  at?: number;
  code?: string | null;
  response?: string | null;
}

/**
 * `unknown`: there is no such message, or it is not in this project. `repeated`: it is on record, or as much of its type
 * is as is kept of one message.
 */
export type FeedbackResult = 'recorded' | 'repeated' | 'unknown';

/** A message that feedback is about, taken until the commit. */
export type TakenMessage = Pick<
  Tables['messages']['$inferSelect'],
  'id' | 'projectId' | 'channel' | 'platform' | 'address' | 'attempt'
> & {
  /** The time of the commit. */
  now: number;
  isTold: unknown;
};

/** Rows that one statement stores. */
const rowsAtOnce = 500;

/**
 * What is kept of each type for one message. Whoever was sent a mail can open it, and follow its links, as often as he
 * likes; all that is kept is read with the message.
 */
const keptOfOneType = 200;

/**
 * A provider's own id is that of one message, or of a few. What is that of more attempts is nobody's: something stands
 * in for the provider and answers each alike.
 */
const attemptsOfOneId = 4;

/**
 * Records what was told of messages, all of it in one commit, with what follows of it: see `followFeedback`. What is
 * on record already changes nothing, so that it may be told any number of times. Of a message that was erased, which
 * has no address any more, the words of providers are not kept.
 *
 * @param options.projectId whose messages may be meant; null for those of any project
 * @param options.source who tells: a provider's name, or `api`
 * @param options.newKey random text, used if a project has no key for the hashes of its suppressions yet
 * @param options.newId makes ids of suppressions
 */
export function recordFeedback(
  database: Database,
  options: {
    projectId: string | null;
    source: string;
    feedback: readonly Feedback[];
    newKey: string;
    newId: () => string;
  },
): Promise<FeedbackResult[]> {
  const { projectId, source, feedback, newKey, newId } = options;
  return database.commit(function* (db): Steps<FeedbackResult[]> {
    const named = yield* namedMessages(database, db, feedback);
    // Taken first: no claim, settlement or erasure moves one between the statements that follow.
    const taken = yield* takeMessages(database, db, projectId, [...new Set(named.flat())]);
    const told = feedback.map((one, index) =>
      (named[index] ?? []).flatMap((id) => {
        const message = taken.get(id);
        return message === undefined ? [] : [rowOf(one, source, message)];
      }),
    );
    const fresh = yield* storeFeedback(database, db, yield* withRoom(database, db, told.flat()));
    const news = told.flat().filter((row) => fresh.has(keyOf(row)));
    yield* followFeedback({ database, db, news, taken, newKey, newId });
    return told.map((theirs): FeedbackResult => {
      if (theirs.length === 0) return 'unknown';
      // Of two that are told at once, the first is the one that is new.
      return theirs.map((row) => fresh.delete(keyOf(row))).includes(true) ? 'recorded' : 'repeated';
    });
  });
}

/** The ids that each may mean. A provider's own may be that of messages in several projects. */
function* namedMessages(database: Database, db: Handle, feedback: readonly Feedback[]): Steps<string[][]> {
  const byProviders = feedback.flatMap(({ messageId, providerMessageId }) =>
    messageId === undefined && providerMessageId !== undefined ? [providerMessageId] : [],
  );
  const messagesOf = new Map<string, Set<string>>();
  for (const some of inPieces([...new Set(byProviders)], rowsAtOnce)) {
    for (const { providerMessageId, messageId } of yield* selectAttempts(database, db, some)) {
      const theirs = messagesOf.get(providerMessageId ?? '') ?? new Set();
      messagesOf.set(providerMessageId ?? '', theirs.add(messageId));
    }
  }
  return feedback.map(({ messageId, providerMessageId = '' }) =>
    messageId === undefined ? [...(messagesOf.get(providerMessageId) ?? [])] : [messageId],
  );
}

/** Never reads more than all may have together: where one has too many, it is looked for by halves. */
function* selectAttempts(
  database: Database,
  db: Handle,
  ids: string[],
): Steps<Array<{ providerMessageId: string | null; messageId: string }>> {
  const { attempts } = database.tables;
  const found = yield* rows(
    db
      .select({ providerMessageId: attempts.providerMessageId, messageId: attempts.messageId })
      .from(attempts)
      .where(inArray(attempts.providerMessageId, ids))
      .limit(ids.length * attemptsOfOneId + 1),
  );
  if (found.length <= ids.length * attemptsOfOneId) {
    const byId = Map.groupBy(found, ({ providerMessageId }) => providerMessageId);
    return [...byId.values()].filter((theirs) => theirs.length <= attemptsOfOneId).flat();
  }
  if (ids.length === 1) return [];
  const half = Math.ceil(ids.length / 2);
  const first = yield* selectAttempts(database, db, ids.slice(0, half));
  return [...first, ...(yield* selectAttempts(database, db, ids.slice(half)))];
}

function* takeMessages(
  database: Database,
  db: Handle,
  projectId: string | null,
  ids: string[],
): Steps<Map<string, TakenMessage>> {
  const { messages } = database.tables;
  const taken = new Map<string, TakenMessage>();
  for (const some of inPieces(ids.sort(), rowsAtOnce)) {
    const found = yield* rows(
      db
        .update(messages)
        .set({ attempt: sql`${messages.attempt}` })
        .where(
          and(inArray(messages.id, some), projectId === null ? undefined : eq(messages.projectId, projectId)),
        )
        .returning({
          id: messages.id,
          projectId: messages.projectId,
          channel: messages.channel,
          platform: messages.platform,
          address: messages.address,
          attempt: messages.attempt,
          now: database.now,
          isTold: isTold(database),
        }),
    );
    for (const message of found) taken.set(message.id, message);
  }
  return taken;
}

/**
 * Nothing has happened later than it was told, whatever its sender's clock says, nor before the epoch: the year before
 * the first is no date that an answer may hold (RFC 3339 §1).
 */
function rowOf(one: Feedback, source: string, { id, address, now }: TakenMessage): FeedbackRow {
  const { type, at = now, eventId = `at:${at}`, code = null, response = null } = one;
  return {
    messageId: id,
    type,
    eventId,
    source,
    code,
    response: address === null ? null : response,
    at: Math.max(0, Math.min(at, now)),
    receivedAt: now,
  };
}

/** Those that there is room for beside what is on record. */
function* withRoom(
  { tables: { feedback } }: Database,
  db: Handle,
  told: FeedbackRow[],
): Steps<FeedbackRow[]> {
  const kept = new Map<string, number>();
  for (const some of inPieces([...new Set(told.map(({ messageId }) => messageId))], rowsAtOnce)) {
    const found = yield* rows(
      db
        .select({ messageId: feedback.messageId, type: feedback.type, number: count() })
        .from(feedback)
        .where(inArray(feedback.messageId, some))
        .groupBy(feedback.messageId, feedback.type),
    );
    for (const { messageId, type, number } of found) kept.set(`${messageId} ${type}`, number);
  }
  return told.filter(({ messageId, type }) => {
    const number = (kept.get(`${messageId} ${type}`) ?? 0) + 1;
    kept.set(`${messageId} ${type}`, number);
    return number <= keptOfOneType;
  });
}

/** Answers the keys of those that were not on record. */
function* storeFeedback(
  { tables: { feedback } }: Database,
  db: Handle,
  told: FeedbackRow[],
): Steps<Set<string>> {
  const fresh = new Set<string>();
  for (let from = 0; from < told.length; from += rowsAtOnce) {
    const stored = yield* rows(
      db
        .insert(feedback)
        .values(told.slice(from, from + rowsAtOnce))
        .onConflictDoNothing()
        .returning({ messageId: feedback.messageId, type: feedback.type, eventId: feedback.eventId }),
    );
    for (const row of stored) fresh.add(keyOf(row));
  }
  return fresh;
}

function keyOf({ messageId, type, eventId }: Pick<FeedbackRow, 'messageId' | 'type' | 'eventId'>): string {
  return `${messageId} ${type} ${eventId}`;
}
