import { eq, sql } from 'drizzle-orm';
import type { Database } from '../../database.ts';
import type { CopyQueueState } from './copy-types.ts';

/** Subscriptions with open copies that one look walks over. */
const subscriptionsAtOnce = 500;

/**
 * The subscriptions that have open copies, by their ids, and how many more of each may enter its window. A walk that
 * was cut short (it answered `atOnce`) goes on behind the last of `previous`, so that each has its turn however many
 * there are. It is asked several times a second by every process, so its statement is prepared.
 */
export async function copyStates(
  database: Database,
  options: { lookaheadMs: number; previous?: CopyQueueState[]; atOnce?: number },
): Promise<CopyQueueState[]> {
  const { lookaheadMs, previous = [], atOnce = subscriptionsAtOnce } = options;
  const from = previous.length < atOnce ? '' : (previous.at(-1)?.subscriptionId ?? '');
  const walked = await database.read(walkSubscriptions(database, { from, lookaheadMs, atOnce }));
  return walked.map(({ isActive, isHeld, holds, jobs, isNextDue, ...state }) => ({
    ...state,
    backlog: state.backlog || (state.isRemoved && jobs > 0),
    admitted: admittedOf({ ...state, isActive, isHeld, holds, jobs, isNextDue }),
  }));
}

function admittedOf(of: {
  ordered: boolean;
  isActive: boolean;
  isHeld: boolean;
  isRemoved: boolean;
  holds: number;
  /** Its copies that have a job, due or not; counted only where it matters. */
  jobs: number;
  isNextDue: boolean;
}): number {
  // They do not enter, they end: see `enterCopyWindow`.
  if (of.isRemoved) return Number.POSITIVE_INFINITY;
  if (!of.isActive || of.isHeld) return 0;
  if (of.ordered) return of.jobs === 0 && of.isNextDue ? 1 : 0;
  return of.holds > 0 ? Math.max(0, 1 - of.jobs) : Number.POSITIVE_INFINITY;
}

/**
 * A loose index scan, which neither dialect makes by itself: from subscription to subscription it is one search of
 * the index for each place, however much each has waiting.
 */
function walkSubscriptions(
  database: Database,
  values: { from: string; lookaheadMs: number; atOnce: number },
) {
  const { copies, subscriptions } = database.tables;
  const build = () => {
    const nextIn = (place: 'store' | 'queue') => sql`
      select min(${copies.subscriptionId}) as next from ${copies}
      where ${copies.place} = ${sql.raw(`'${place}'`)} and ${copies.subscriptionId} > hop.id`;
    const walk = sql`
      with recursive hop(id, number) as (
        select cast(${sql.placeholder('from')} as text), 0
        union all
        select (select min(next) from (${nextIn('queue')} union all ${nextIn('store')}) as both_places), number + 1
        from hop where id is not null and number < ${sql.placeholder('atOnce')}
      )
      select id as hop_id from hop where number > 0 and id is not null`;
    const until = sql`${database.now} + ${sql.placeholder('lookaheadMs')}`;
    const of = (place: 'store' | 'queue') =>
      sql`from ${copies} where ${copies.place} = ${sql.raw(`'${place}'`)} and ${copies.subscriptionId} = ${subscriptions.id}`;
    const nextInOrder = sql`
      select ${copies.dueAt} from ${copies}
      where ${copies.subscriptionId} = ${subscriptions.id} and ${copies.position} is not null and ${copies.place} is not null
      order by ${copies.position} limit 1`;
    return (
      database.handle
        .select({
          subscriptionId: subscriptions.id,
          kind: subscriptions.kind,
          ordered: subscriptions.ordered,
          isActive: sql`${subscriptions.status} = 'active'`.mapWith(Boolean),
          isHeld: sql`coalesce(${subscriptions.heldUntil}, 0) > ${database.now}`.mapWith(Boolean),
          isRemoved: sql`${subscriptions.removedAt} is not null`.mapWith(Boolean),
          holds: subscriptions.holds,
          jobs: sql`case
          when ${subscriptions.ordered} or ${subscriptions.holds} > 0 or ${subscriptions.removedAt} is not null
          then (select count(*) ${of('queue')}) else 0 end`.mapWith(Number),
          inQueue: sql`(select count(*) ${of('queue')} and ${copies.dueAt} <= ${until})`.mapWith(Number),
          backlog: sql`exists (select 1 ${of('store')} and ${copies.dueAt} <= ${until})`.mapWith(Boolean),
          isNextDue:
            sql`case when ${subscriptions.ordered} then (${nextInOrder}) <= ${until} else false end`.mapWith(
              Boolean,
            ),
        })
        .from(sql`(${walk}) as walked`)
        // SQLite goes through a cross join as it is written. It would begin with all subscriptions there are.
        .crossJoin(subscriptions)
        .where(eq(subscriptions.id, sql`hop_id`))
        .orderBy(sql`hop_id`)
    );
  };
  return database.prepared(database.handle, 'copy_states', build, { ...values });
}
