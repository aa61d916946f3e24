import type { MessageStatus, Reason } from '@tidings/contracts';
import { sql } from 'drizzle-orm';
import type { Database } from '../database.ts';

/**
 * How a message ends that is not delivered: as is said here, or as unknown where it is in doubt. For `set` of the
 * statement that ends it.
 *
 * In doubt is a message with an attempt of this life, which is what came since its last replay, that was ambiguous or
 * was lost with its worker: it may have been delivered, and whatever stands in the way of another try, nobody could
 * say that it was not. Not even an erasure: who was erased may ask what was sent before. Only a bounce is more than a
 * doubt, for at an address that does not exist nothing arrives.
 *
 * The attempts themselves say so, in a range of their key, and no mark beside them: one that was given up as lost may
 * still be settled, and is a doubt no more if it failed. What was never tried before need not be asked about.
 */
export function unlessInDoubt({ tables }: Database, status: MessageStatus, reason: Reason) {
  const { messages, attempts, replays } = tables;
  const life = sql`(select coalesce(max(${replays.generation}), 0) from ${replays} where ${replays.messageId} = ${messages.id})`;
  // Of both, the least is ambiguous: what a provider had in full outweighs what a worker may not even have begun.
  const doubt = sql`(select case min(${attempts.outcome}) when 'ambiguous' then 'ambiguous' when 'lost' then 'worker_lost' end
    from ${attempts} where ${attempts.messageId} = ${messages.id}
    and ${attempts.outcome} in ('ambiguous', 'lost') and ${attempts.generation} >= ${life})`;
  return {
    status: sql<MessageStatus>`case when ${doubt} is null then ${status} else 'unknown' end`,
    reason: sql<Reason>`coalesce(${doubt}, ${reason})`,
  };
}
