import {
  type UpsertManyOutput,
  type UpsertRecipientInput,
  upsertManyRecipients,
  upsertRecipientInput,
} from '@tidings/contracts';
import type { RecipientChange, RecipientRow, Store } from '@tidings/db';
import { type Log, newId } from '@tidings/runtime';
import { bulkFaults } from '../http/bulk-faults.ts';
import { invalidRequest } from '../http/problem.ts';
import { actorOf, mutation } from '../operations.ts';

/** Recipients that one commit stores. */
const storedAtOnce = 100;

type Result = UpsertManyOutput['items'][number];

/**
 * `recipients.upsertMany`: every item on its own, results in the order of the request, some hundred to a commit. An
 * outage fails the whole request; to repeat it does no harm.
 */
export const upsertMany = ({ store, log }: { store: Store; log: Log }) =>
  mutation(upsertManyRecipients, async ({ items }, context) => {
    const { requestId, principal } = context;
    const actor = actorOf(context);
    const { faultOf, faultOfThrown } = bulkFaults({ requestId, isOutage: store.isOutage, log });
    const results: Result[] = [];
    const good: Array<{ index: number; change: RecipientChange }> = [];
    items.forEach((item, index) => {
      const parsed = upsertRecipientInput.safeParse(item);
      if (parsed.success) good.push({ index, change: changeOf(parsed.data) });
      else results[index] = { index, error: faultOf(invalidRequest(parsed.error)) };
    });

    function changeOf(input: UpsertRecipientInput): RecipientChange {
      const ids = { id: newId('recipient'), auditId: newId('audit') };
      return { ...ids, projectId: principal.projectId, actor, action: upsertManyRecipients.name, input };
    }

    for (let from = 0; from < good.length; from += storedAtOnce) {
      const piece = good.slice(from, from + storedAtOnce);
      const stored = await storeEach(piece.map(({ change }) => change));
      piece.forEach(({ index }, at) => {
        const one = stored[at];
        results[index] =
          one instanceof Error || one === undefined
            ? { index, error: faultOfThrown(one, index) }
            : { index, id: one.id, externalId: one.externalId };
      });
    }
    return { items: results };

    /** Together, or, when the record refuses one of them, each alone. */
    async function storeEach(changes: RecipientChange[]): Promise<Array<RecipientRow | Error>> {
      try {
        return await store.upsertRecipients(changes);
      } catch (error) {
        if (store.isOutage(error)) throw error;
        if (changes.length === 1) return [error instanceof Error ? error : new Error(String(error))];
        const alone: Array<RecipientRow | Error> = [];
        for (const change of changes) alone.push(...(await storeEach([change])));
        return alone;
      }
    }
  });
