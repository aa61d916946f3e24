import { and, desc, eq } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import type { CopyAttemptRow, CopyRow } from './copy-types.ts';

/** The attempt that a copy's row tells of. */
export type CurrentAttempt = Pick<CopyRow, 'id' | 'attempt' | 'generation' | 'leaseOwner' | 'claimedAt'>;

/**
 * Steps of a commit: attempts whose outcome nobody told go on record as lost, so that what is told late finds them.
 *
 * @param at milliseconds since the epoch
 */
export function* recordLost(database: Database, db: Handle, lost: CurrentAttempt[], at: number): Steps<void> {
  const { copyAttempts } = database.tables;
  if (lost.length === 0) return;
  yield* rows(
    db
      .insert(copyAttempts)
      .values(
        lost.map(({ id, attempt, generation, leaseOwner, claimedAt }) => ({
          copyId: id,
          number: attempt,
          generation,
          worker: leaseOwner ?? '',
          startedAt: claimedAt ?? at,
          finishedAt: at,
          outcome: 'lost' as const,
          reason: 'worker_lost' as const,
        })),
      )
      .onConflictDoNothing()
      .returning({ number: copyAttempts.number }),
  );
}

type LostAttempt = Pick<CopyAttemptRow, 'number' | 'generation' | 'startedAt'>;

/** Steps of a commit: of each copy the newest attempt of the worker that is on record as lost. */
export function* findLost(
  database: Database,
  db: Handle,
  late: Array<{ copyId: string; worker: string }>,
): Steps<Map<string, LostAttempt>> {
  const { copyAttempts } = database.tables;
  const found = new Map<string, LostAttempt>();
  for (const { copyId, worker } of late) {
    const [lost] = yield* rows(
      db
        .select({
          number: copyAttempts.number,
          generation: copyAttempts.generation,
          startedAt: copyAttempts.startedAt,
        })
        .from(copyAttempts)
        .where(
          and(
            eq(copyAttempts.copyId, copyId),
            eq(copyAttempts.worker, worker),
            eq(copyAttempts.outcome, 'lost'),
          ),
        )
        .orderBy(desc(copyAttempts.number))
        .limit(1),
    );
    if (lost !== undefined) found.set(copyId, lost);
  }
  return found;
}
