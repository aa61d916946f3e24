import type { Tidings } from '@tidings/client';
import { expect } from 'vitest';
import { copiesByMessage } from './copies-by-message.ts';
import type { ReceivedMail } from './smtp-sink.ts';

/**
 * Nothing lost, nothing doubled without a cause: every message arrived, and a second copy only where an
 * attempt on record was lost with its worker or ambiguous. All copies are the same to the octet.
 */
export async function expectHonestCopies(
  tidings: Tidings,
  ids: string[],
  received: ReceivedMail[],
): Promise<void> {
  const copies = copiesByMessage(received);
  expect([...copies.keys()].toSorted()).toEqual(ids.toSorted());
  for (const [id, count] of copies) {
    if (count === 1) continue;
    const { attempts } = await tidings.messages.get.query({ id });
    const doubtful = attempts.filter(({ outcome }) => outcome === 'lost' || outcome === 'ambiguous');
    expect(count, `${id} arrived ${count} times`).toBeLessThanOrEqual(1 + doubtful.length);
  }
  expect(new Set(received.map(({ raw }) => raw.toString('latin1'))).size).toBe(ids.length);
}
