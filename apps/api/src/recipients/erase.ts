import { eraseRecipient, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { toIso } from '../iso.ts';
import { actorOf, mutation } from '../operations.ts';
import { newEntries } from '../suppressions/new-entries.ts';

/** How long a caller waits for a long erasure. The workers go on with it. */
const patienceMs = 5000;

/**
 * `recipients.erase`: begins, and goes on as long as the caller may be made to wait. What was begun is told even if
 * the record goes away then: by the application's id it could not be asked for again.
 */
export const erase = (store: Store) =>
  mutation(eraseRecipient, async ({ recipientId }, context) => {
    const begun = await store.beginErasure(context.principal.projectId, recipientId, {
      actor: actorOf(context),
      auditId: newId('audit'),
      ...newEntries(),
    });
    if (begun === undefined) throw new TidingsError('not_found');
    const giveUp = performance.now() + patienceMs;
    let { complete } = begun;
    while (!complete && performance.now() < giveUp) {
      try {
        complete = !(await store.continueErasure(begun.recipientId));
      } catch (error) {
        if (!store.isOutage(error)) throw error;
        break;
      }
      // SQLite does each step at once: whoever accepts meanwhile must get a turn.
      await new Promise(setImmediate);
    }
    return { id: begun.recipientId, erasedAt: toIso(begun.erasedAt), complete };
  });
