import { hasEnded } from '@tidings/contracts';
import { maxUnanswered, type Refused, type Store } from '@tidings/db';
import { afterLeaseMs, longestInQueueMs, type NextStep } from '@tidings/queue';

const done: NextStep = { kind: 'done' };

/**
 * A job may be early, late, doubled or from an older copy of the queue; the record says which. Ended messages need
 * nothing; those that must not be sent end now; the others wait for their time or for the lease of whoever
 * sends them.
 */
export async function handleRefused(store: Store, refused: Refused | undefined): Promise<NextStep> {
  if (refused === undefined) return done;
  const { message, now } = refused;
  if (hasEnded(message.status) || message.place === 'store') return done;
  const leaseMs = message.status === 'sending' ? (message.leaseUntil ?? now) - now : 0;
  if (leaseMs > 0) return { kind: 'delay', ms: leaseMs + afterLeaseMs };
  const mustEnd =
    message.cancelRequestedAt !== null ||
    message.expiresAt <= now ||
    (message.status === 'sending' && (message.onAmbiguous === 'hold' || message.unanswered >= maxUnanswered));
  if (mustEnd) {
    await store.endUnsendable([message.id]);
    return done;
  }
  const waitMs = message.dueAt - now;
  if (waitMs > longestInQueueMs) {
    await store.parkMessage(message.id);
    return done;
  }
  return { kind: 'delay', ms: Math.max(waitMs, 20) };
}
