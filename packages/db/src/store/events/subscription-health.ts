import type { DisabledReason } from '@tidings/contracts';
import { and, eq, gt, inArray, isNotNull, isNull, lt, lte, or, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import { listValues, padded, placeholders } from '../../prepared.ts';
import type { CopyVerdict, SubscriptionRow } from './copy-types.ts';
import { happeningOfSubscription } from './happenings.ts';

/** What came of one copy of a subscription. */
interface Told {
  subscriptionId: string;
  verdict: CopyVerdict;
  /** When its attempt began, in milliseconds since the epoch. */
  startedAt: number | null;
}

type Health = Pick<SubscriptionRow, 'id' | 'status' | 'failingSince' | 'heldUntil' | 'holds'>;

/**
 * Steps of a commit: what the outcomes of copies mean for their subscriptions, one write for each, and only where it
 * changes something. A delivery ends what is said of failures; the holds in a row only where none is under way, for
 * it began before. Several that ask for a hold at a time ask once.
 *
 * @param at milliseconds since the epoch
 */
export function* noteOutcomes(database: Database, db: Handle, told: Told[], at: number): Steps<void> {
  const { subscriptions } = database.tables;
  if (told.length === 0) return;
  const byId = Map.groupBy(told, ({ subscriptionId }) => subscriptionId);
  // By id: of two commits that took up subscriptions in other orders, each would wait for the other (deadlock).
  const all = (yield* selectHealth(database, db, [...byId.keys()])).toSorted((a, b) =>
    a.id < b.id ? -1 : 1,
  );
  for (const health of all) {
    const { id } = health;
    const verdicts = (byId.get(id) ?? []).map(({ verdict }) => verdict);
    const isHeld = (health.heldUntil ?? 0) > at;
    const holdMs = Math.max(0, ...verdicts.map(holdOf));
    if (holdMs > 0) yield* hold(id, at + holdMs);
    if (verdicts.some(({ status }) => status === 'delivered')) {
      const isWell = health.failingSince === null && (health.holds === 0 || isHeld || holdMs > 0);
      if (!isWell) yield* recover(id);
    } else if (health.failingSince === null && verdicts.some(isFailure)) {
      yield* fail(id);
    }
    const disabling = told.find((one) => one.subscriptionId === id && disables(one.verdict));
    if (disabling !== undefined && health.status === 'active') yield* disable(database, db, disabling, at);
  }

  function* hold(id: string, until: number): Steps<void> {
    const isOver = or(isNull(subscriptions.heldUntil), lte(subscriptions.heldUntil, at));
    yield* rows(
      db
        .update(subscriptions)
        .set({
          heldUntil: until,
          holds: sql`case when ${isOver} then ${subscriptions.holds} + 1 else ${subscriptions.holds} end`,
        })
        .where(and(eq(subscriptions.id, id), or(isOver, lte(subscriptions.heldUntil, until))))
        .returning({ id: subscriptions.id }),
    );
  }

  function* recover(id: string): Steps<void> {
    yield* rows(
      db
        .update(subscriptions)
        .set({
          failingSince: null,
          holds: sql`case when coalesce(${subscriptions.heldUntil}, 0) <= ${at} then 0 else ${subscriptions.holds} end`,
        })
        .where(
          and(
            eq(subscriptions.id, id),
            or(isNotNull(subscriptions.failingSince), gt(subscriptions.holds, 0)),
          ),
        )
        .returning({ id: subscriptions.id }),
    );
  }

  function* fail(id: string): Steps<void> {
    yield* rows(
      db
        .update(subscriptions)
        .set({ failingSince: at })
        .where(and(eq(subscriptions.id, id), isNull(subscriptions.failingSince)))
        .returning({ id: subscriptions.id }),
    );
  }
}

function holdOf(verdict: CopyVerdict): number {
  return verdict.status === 'retrying' && verdict.holds ? Math.round(verdict.delayMs) : 0;
}

/** Of its endpoint: one that is busy counts against no copy, but it took none either. */
function isFailure(verdict: CopyVerdict): boolean {
  return verdict.status !== 'delivered' && (verdict.countsFailure || verdict.reason === 'endpoint_busy');
}

function disables(verdict: CopyVerdict): boolean {
  return verdict.status !== 'delivered' && verdict.disables === true;
}

function* selectHealth(database: Database, db: Handle, all: string[]): Steps<Health[]> {
  const { subscriptions } = database.tables;
  const ids = padded(all);
  return yield* rows(
    database.prepared(
      db,
      `subscription_health_${ids.length}`,
      () =>
        db
          .select({
            id: subscriptions.id,
            status: subscriptions.status,
            failingSince: subscriptions.failingSince,
            heldUntil: subscriptions.heldUntil,
            holds: subscriptions.holds,
          })
          .from(subscriptions)
          .where(inArray(subscriptions.id, placeholders('id', ids.length))),
      listValues('id', ids),
    ),
  );
}

/** For failures only where it has been failing since before the attempt: a delivery may have ended that meanwhile. */
function* disable(database: Database, db: Handle, told: Told, at: number): Steps<void> {
  const { subscriptions } = database.tables;
  const { subscriptionId, verdict, startedAt } = told;
  const isGone = 'reason' in verdict && verdict.reason === 'endpoint_gone';
  const because: DisabledReason = isGone ? 'endpoint_gone' : 'failing';
  const [disabled] = yield* rows(
    db
      .update(subscriptions)
      .set({ status: 'disabled', reason: because, updatedAt: at })
      .where(
        and(
          eq(subscriptions.id, subscriptionId),
          eq(subscriptions.status, 'active'),
          isGone ? undefined : lt(subscriptions.failingSince, startedAt ?? 0),
        ),
      )
      .returning({
        id: subscriptions.id,
        projectId: subscriptions.projectId,
        name: subscriptions.name,
        kind: subscriptions.kind,
        reason: subscriptions.reason,
      }),
  );
  if (disabled !== undefined) yield* happeningOfSubscription(database, db, disabled, at);
}
