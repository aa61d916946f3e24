import type { DisabledReason } from '@tidings/contracts';
import { and, eq, gt, inArray, isNotNull, isNull, lte, or, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import { listValues, padded, placeholders } from '../../prepared.ts';
import type { CopyVerdict, SubscriptionRow } from './copy-types.ts';
import { happeningOfSubscription } from './happenings.ts';

/** What came of one copy of a subscription. */
interface Told {
  subscriptionId: string;
  verdict: CopyVerdict;
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
    const disabling = verdicts.find(isDisabling);
    if (disabling !== undefined && health.status === 'active')
      yield* disable(database, db, id, disabling, at);
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

function isFailure(verdict: CopyVerdict): boolean {
  return verdict.status !== 'delivered' && verdict.countsFailure;
}

type Failed = CopyVerdict & { status: 'failed' };

function isDisabling(verdict: CopyVerdict): verdict is Failed {
  return verdict.status === 'failed' && verdict.disables === true;
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

function* disable(database: Database, db: Handle, id: string, { reason }: Failed, at: number): Steps<void> {
  const { subscriptions } = database.tables;
  const because: DisabledReason = reason === 'endpoint_gone' ? 'endpoint_gone' : 'failing';
  const [disabled] = yield* rows(
    db
      .update(subscriptions)
      .set({ status: 'disabled', reason: because, updatedAt: at })
      .where(and(eq(subscriptions.id, id), eq(subscriptions.status, 'active')))
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
