import type { Channel, Lane, Platform, Reason, StoppingReason, SuppressionReason } from '@tidings/contracts';
import { and, eq, getTableColumns, inArray, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import { unlessInDoubt } from './doubt.ts';
import { isTold } from './events/happenings.ts';
import { type Moved, recordHappenings } from './events/message-happenings.ts';
import { selectSuppressed } from './suppressed.ts';
import { type Candidate, type OwnDevices, selectWishes, type Wishes } from './wishes.ts';

type MessageRow = Tables['messages']['$inferSelect'];

/** What is to be known of a claimed message to decide about it. */
export interface Question {
  /** That of the message. */
  id: string;
  projectId: string;
  channel: Channel;
  lane: Lane;
  platform: Platform | null;
  /** Tries that failed and counted. */
  failures: number;
  category: string | null;
  isCritical: boolean;
  /** Undefined where it goes to a bare address. */
  wishes: Wishes | undefined;
  /** What the list of suppressions says of its address, for its category and for all. */
  suppressed: readonly SuppressionReason[];
  /** The database's time, in milliseconds since the epoch. */
  now: number;
}

/** What becomes of a message at the last moment; `until` is in milliseconds since the epoch. */
export type Decision =
  | { kind: 'send' }
  | { kind: 'skip' }
  | { kind: 'suppress'; reason: StoppingReason }
  | { kind: 'wait'; until: number; reason: WaitReason };

/** What a message waits for that could be sent otherwise. */
export type WaitReason = Extract<Reason, 'quiet_hours' | 'provider_unavailable' | 'rate_limited'>;

/** May be asked about a message more than once: on Postgres a commit may run again. */
export type Decide = (question: Question) => Decision;

/**
 * Steps of a claim: decides about what was just taken, before an attempt is on record, and puts aside what is not to
 * be sent, its counters as they were. Answers the messages that it put aside, by their ids.
 *
 * Nothing goes to who was erased, nor to a device that is the recipient's no more: the token was read when the
 * notification was accepted, which may be long ago. What waits beyond its time ends now, for it would never be sent.
 * What is in doubt ends as unknown, as it does when it is canceled.
 */
export function* putAside(options: {
  database: Database;
  db: Handle;
  candidates: Candidate[];
  ownDevices: OwnDevices;
  decide: Decide;
  token: string;
  now: number;
}): Steps<Map<string, MessageRow>> {
  const { database, db, candidates, ownDevices, decide, token, now } = options;
  const { wishes, erased } = yield* selectWishes(database, db, candidates);
  const suppressed = yield* selectSuppressed(database, db, candidates);
  const fates = new Map<string, { ids: string[]; fate: Fate }>();
  for (const { message, recipientId, category } of candidates) {
    const isErased = recipientId !== null && erased.has(recipientId);
    const isGone = recipientId !== null && message.channel === 'push' && !ownDevices.has(message.id);
    const decision: Decision | Unreachable = isErased
      ? { kind: 'unreachable', reason: 'erased' }
      : isGone
        ? { kind: 'unreachable', reason: 'no_device' }
        : decide({
            id: message.id,
            projectId: message.projectId,
            channel: message.channel,
            lane: message.lane,
            platform: message.platform,
            failures: message.failures,
            category,
            isCritical: message.lane === 'critical',
            wishes: recipientId === null ? undefined : wishes.get(recipientId),
            suppressed: suppressed.get(message.id) ?? nothing,
            now,
          });
    if (decision.kind === 'send') continue;
    const fate = fateOf(message, decision);
    const key = JSON.stringify(fate);
    const same = fates.get(key) ?? { ids: [], fate };
    same.ids.push(message.id);
    fates.set(key, same);
  }
  const aside = new Map<string, MessageRow>();
  const moved: Moved[] = [];
  for (const { ids, fate } of fates.values()) {
    for (const { isTold, ...row } of yield* release({ database, db, ids, fate, token, now })) {
      aside.set(row.id, row);
      moved.push({ id: row.id, isTold });
    }
  }
  yield* recordHappenings(database, db, moved);
  return aside;
}

const nothing: readonly SuppressionReason[] = [];

type Fate =
  | { status: 'skipped' | 'suppressed' | 'expired'; reason: Reason; mayBeInDoubt: boolean }
  | { status: 'scheduled' | 'retrying'; reason: Reason; dueAt: number };

/** There is nobody there any more to send to. */
interface Unreachable {
  kind: 'unreachable';
  reason: Extract<Reason, 'erased' | 'no_device'>;
}

function fateOf(message: MessageRow, decision: Exclude<Decision, { kind: 'send' }> | Unreachable): Fate {
  const mayBeInDoubt = message.attempt > 1;
  if (decision.kind === 'unreachable') return { status: 'skipped', reason: decision.reason, mayBeInDoubt };
  if (decision.kind === 'suppress') {
    const { reason } = decision;
    return { status: 'suppressed', reason, mayBeInDoubt: mayBeInDoubt && reason !== 'hard_bounce' };
  }
  if (decision.kind === 'skip') return { status: 'skipped', reason: 'opted_out', mayBeInDoubt };
  const { until, reason } = decision;
  const isQuiet = reason === 'quiet_hours';
  // Quiet hours end when they end; a provider might have been well in time.
  if (until >= message.expiresAt)
    return { status: 'expired', reason: isQuiet ? reason : 'expired', mayBeInDoubt };
  return { status: isQuiet ? 'scheduled' : 'retrying', reason, dueAt: until };
}

/** Gives up the claim; what waits does so in SQL, under a new generation. */
function* release(options: {
  database: Database;
  db: Handle;
  ids: string[];
  fate: Fate;
  token: string;
  now: number;
}): Steps<Array<MessageRow & Moved>> {
  const { database, db, ids, fate, token, now } = options;
  const { messages } = database.tables;
  const { status, reason } = fate;
  const becomes =
    'dueAt' in fate
      ? {
          status,
          reason,
          dueAt: fate.dueAt,
          place: 'store' as const,
          generation: sql`${messages.generation} + 1`,
          ...(status === 'scheduled' && { deferredAt: now }),
        }
      : {
          ...(fate.mayBeInDoubt ? unlessInDoubt(database, status, reason) : { status, reason }),
          place: null,
          endedAt: now,
        };
  return yield* rows(
    db
      .update(messages)
      .set({
        ...becomes,
        attempt: sql`${messages.attempt} - 1`,
        unanswered: sql`${messages.unanswered} - 1`,
        // The date that copies carry is that of the first claim which led to an attempt.
        firstClaimedAt: sql`case when ${messages.attempt} = 1 then null else ${messages.firstClaimedAt} end`,
        leaseToken: null,
        leaseOwner: null,
        leaseUntil: null,
      })
      .where(and(inArray(messages.id, ids), eq(messages.leaseToken, token), eq(messages.status, 'sending')))
      .returning({ ...getTableColumns(messages), isTold: isTold(database) }),
  );
}
