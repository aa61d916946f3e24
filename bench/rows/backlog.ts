import { openDatabase } from '@tidings/db';
import { and, count, eq } from 'drizzle-orm';
import type { Bench, BenchRecord } from '../bench.ts';
import { fillRecord } from '../subjects/fill.ts';

/** The number that S-rows are about, and the one that it is compared with. */
export const manyOf = (bench: Bench): number => (bench.quick ? 50_000 : 1_000_000);
export const few = 10_000;

/** A numbered database of Redis for the large record, whose jobs stay there from row to row. */
const largeDatabase = 1;

/** A record in which that many bulk e-mails wait. It is made once and filled up again for each row. */
export async function largeBacklog(bench: Bench): Promise<BenchRecord> {
  const record = await bench.shared('large backlog', () => bench.record(largeDatabase));
  await fillUp(record, manyOf(bench));
  return record;
}

/** Adds what is missing for `wanted` bulk e-mails to wait. */
export async function fillUp({ env }: BenchRecord, wanted: number): Promise<void> {
  const waiting = await countQueued(env);
  if (waiting < wanted) await fillRecord({ env, count: wanted - waiting, channel: 'email', lane: 'bulk' });
}

async function countQueued(env: BenchRecord['env']): Promise<number> {
  const database = await openDatabase(env);
  const { messages } = database.tables;
  const [row] = await database.handle
    .select({ waiting: count() })
    .from(messages)
    .where(and(eq(messages.status, 'queued'), eq(messages.lane, 'bulk')));
  await database.close();
  return row?.waiting ?? 0;
}
