import { statusesBefore } from '@tidings/contracts';
import { and, eq, inArray, max } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import { deactivateDevice } from './devices.ts';
import { type Happened, storeHappenings } from './events/happenings.ts';
import { happenedTo, type Told } from './events/message-happenings.ts';
import type { FeedbackRow, TakenMessage } from './feedback.ts';
import { recordSuppressions, type Suppressed } from './suppressions.ts';

/** Many providers tell only the second in which something happened. */
const secondOf = (at: number) => Math.floor(at / 1000);

const idsOf = (words: LastWord[]) => words.map(({ messageId }) => messageId);

/** What only an open message has. */
const ended = { place: null, leaseToken: null, leaseOwner: null, leaseUntil: null, unanswered: 0 };

/** The last word on whether a message arrived, and when it was said. */
type LastWord = Pick<FeedbackRow, 'messageId' | 'type' | 'at'>;

/**
 * Steps of a commit: what follows of feedback that was not on record before.
 *
 * Whether a message arrived, the last that is told says, by when it happened and not by when it was told: `delivered`
 * makes any message delivered, by way of `sent`, for a success wins however late; an open one is not sent again.
 * `bounced` makes bounced what was handed over, as an unknown one then was, unless a replay has begun another life
 * since. What waits stays as it is: when it is claimed, its address is found on the list. What was never handed to a
 * provider stays as it is whatever is told of it, and is sent.
 *
 * A bounce puts an e-mail address on the project's list, as a complaint does, or deactivates a device. Each move and
 * each fact beside the status is told as a happening.
 */
export function* followFeedback(options: {
  database: Database;
  db: Handle;
  news: FeedbackRow[];
  taken: ReadonlyMap<string, TakenMessage>;
  newKey: string;
  newId: () => string;
}): Steps<void> {
  const { database, db, news, taken } = options;
  const wasTried = ({ messageId }: FeedbackRow) => (taken.get(messageId)?.attempt ?? 0) > 0;
  const ofArrival = news.filter(
    (row) => (row.type === 'delivered' || row.type === 'bounced') && wasTried(row),
  );
  const lastWords = yield* lastWordsOn(database, db, [...new Set(ofArrival.map((row) => row.messageId))]);
  const now = Math.max(0, ...[...taken.values()].map((message) => message.now));
  const bounces = lastWords.filter(({ type }) => type === 'bounced');
  const deliveries = lastWords.filter(({ type }) => type === 'delivered');
  const happened = [
    ...(yield* moveToDelivered({ database, db, words: deliveries, taken, now })),
    ...(yield* moveToBounced({
      database,
      db,
      words: yield* sinceReplay(database, db, bounces),
      taken,
      now,
    })),
    ...(yield* happenedTo(database, db, factsOf(news, taken))),
  ];
  yield* storeHappenings(database, db, happened);
  const isBounced = new Set(idsOf(bounces));
  const bounced = news.filter(({ type, messageId }) => type === 'bounced' && isBounced.has(messageId));
  const complained = news.filter(({ type }) => type === 'complained');
  yield* suppress({ ...options, rows: bounced, reason: 'hard_bounce' });
  yield* suppress({ ...options, rows: complained, reason: 'complaint' });
  for (const { messageId } of bounced) {
    const message = taken.get(messageId);
    if (message?.channel === 'push') yield* deactivateDevice(database, db, message, now);
  }
}

/** Of the same second a bounce is the last: providers bounce what they had delivered, not the other way round. */
function* lastWordsOn(
  { tables: { feedback } }: Database,
  db: Handle,
  messageIds: string[],
): Steps<LastWord[]> {
  if (messageIds.length === 0) return [];
  const words = yield* rows(
    db
      .select({ messageId: feedback.messageId, type: feedback.type, at: feedback.at })
      .from(feedback)
      .where(and(inArray(feedback.messageId, messageIds), inArray(feedback.type, ['delivered', 'bounced']))),
  );
  const isLater = (one: LastWord, other: LastWord) =>
    secondOf(one.at) === secondOf(other.at) ? one.type === 'bounced' : one.at > other.at;
  const last = new Map<string, LastWord>();
  for (const word of words) {
    const known = last.get(word.messageId);
    if (known === undefined || isLater(word, known)) last.set(word.messageId, word);
  }
  return [...last.values()];
}

/** Those that are not about a life that a replay has ended. */
function* sinceReplay({ tables: { replays } }: Database, db: Handle, words: LastWord[]): Steps<LastWord[]> {
  if (words.length === 0) return [];
  const ids = words.map(({ messageId }) => messageId);
  const found = yield* rows(
    db
      .select({ messageId: replays.messageId, at: max(replays.at) })
      .from(replays)
      .where(inArray(replays.messageId, ids))
      .groupBy(replays.messageId),
  );
  const replayedAt = new Map(found.map(({ messageId, at }) => [messageId, at ?? 0]));
  return words.filter(({ messageId, at }) => secondOf(at) >= secondOf(replayedAt.get(messageId) ?? 0));
}

interface Move {
  database: Database;
  db: Handle;
  words: LastWord[];
  taken: ReadonlyMap<string, TakenMessage>;
  now: number;
}

/** Answers what is told of it: `sent` on the way too, where it was not on record. */
function* moveToDelivered({ database, db, words, taken, now }: Move): Steps<Happened[]> {
  if (words.length === 0) return [];
  const { messages } = database.tables;
  const ids = idsOf(words);
  const sent = yield* rows(
    db
      .update(messages)
      .set({ ...ended, status: 'sent', reason: null, endedAt: now })
      .where(and(inArray(messages.id, ids), inArray(messages.status, statusesBefore('sent'))))
      .returning({ id: messages.id }),
  );
  const onTheWay = yield* happenedTo(database, db, toldOf(sent, words, taken));
  const delivered = yield* rows(
    db
      .update(messages)
      .set({ status: 'delivered' })
      .where(and(inArray(messages.id, ids), inArray(messages.status, statusesBefore('delivered'))))
      .returning({ id: messages.id }),
  );
  return [...onTheWay, ...(yield* happenedTo(database, db, toldOf(delivered, words, taken)))];
}

/** Answers what is told of it, as `moveToDelivered` does. */
function* moveToBounced({ database, db, words, taken, now }: Move): Steps<Happened[]> {
  if (words.length === 0) return [];
  const { messages } = database.tables;
  const ids = idsOf(words);
  const sent = yield* rows(
    db
      .update(messages)
      .set({ status: 'sent', reason: null, endedAt: now })
      .where(and(inArray(messages.id, ids), eq(messages.status, 'unknown')))
      .returning({ id: messages.id }),
  );
  const onTheWay = yield* happenedTo(database, db, toldOf(sent, words, taken));
  const bounced = yield* rows(
    db
      .update(messages)
      .set({ ...ended, status: 'bounced', reason: 'invalid_address', endedAt: now })
      .where(and(inArray(messages.id, ids), inArray(messages.status, statusesBefore('bounced'))))
      .returning({ id: messages.id }),
  );
  return [...onTheWay, ...(yield* happenedTo(database, db, toldOf(bounced, words, taken)))];
}

/** What is to be told of messages that were moved, with the time that the word on each gives. */
function toldOf(
  moved: Array<{ id: string }>,
  words: LastWord[],
  taken: ReadonlyMap<string, TakenMessage>,
): Told[] {
  const isMoved = new Set(moved.map(({ id }) => id));
  return words.flatMap(({ messageId, at }) =>
    isMoved.has(messageId) && taken.get(messageId)?.isTold ? [{ messageId, at }] : [],
  );
}

/** What moves no message, and is told all the same. */
function factsOf(news: FeedbackRow[], taken: ReadonlyMap<string, TakenMessage>): Told[] {
  return news.flatMap(({ messageId, type, at, eventId }): Told[] => {
    if (type === 'delivered' || type === 'bounced' || !taken.get(messageId)?.isTold) return [];
    const happening = type === 'unsubscribed' ? 'recipient.unsubscribed' : (`message.${type}` as const);
    return [{ messageId, type: happening, at, eventId }];
  });
}

function* suppress(options: {
  database: Database;
  db: Handle;
  rows: FeedbackRow[];
  reason: 'hard_bounce' | 'complaint';
  taken: ReadonlyMap<string, TakenMessage>;
  newKey: string;
  newId: () => string;
}): Steps<void> {
  const { database, db, reason, taken, newKey, newId } = options;
  const theirs = options.rows.flatMap(({ messageId }) => taken.get(messageId) ?? []);
  for (const [projectId, messages] of Map.groupBy(theirs, (message) => message.projectId)) {
    const addresses = messages.flatMap(({ id, channel, address }): Suppressed[] =>
      channel === 'email' && address !== null ? [{ channel, address, reason, messageId: id }] : [],
    );
    yield* recordSuppressions({ database, db, projectId, addresses, newKey, newId });
  }
}
