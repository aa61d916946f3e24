import {
  type AddSuppressionInput,
  addSuppressionInput,
  type ImportSuppressionsOutput,
  importSuppressions,
} from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { type Log, newId } from '@tidings/runtime';
import { bulkFaults } from '../http/bulk-faults.ts';
import { invalidRequest } from '../http/problem.ts';
import { actorOf, mutation } from '../operations.ts';
import { readCsv } from './csv.ts';
import { newEntries } from './new-entries.ts';

type Result = ImportSuppressionsOutput['items'][number];

/**
 * `suppressions.import`: every item on its own, results in the order of the request, what is good in one commit. To
 * repeat it does no harm. Named so, for `import` is a word of the language.
 */
export const importMany = ({ store, log }: { store: Store; log: Log }) =>
  mutation(
    importSuppressions,
    async ({ reason, items }, context) => {
      const { projectId } = context.principal;
      const { faultOf } = bulkFaults({ requestId: context.requestId, isOutage: store.isOutage, log });
      const results: Result[] = [];
      const good: Array<{ index: number; input: AddSuppressionInput }> = [];
      items.forEach((item, index) => {
        const parsed = addSuppressionInput.safeParse(withReason(item, reason));
        if (parsed.success) good.push({ index, input: parsed.data });
        else results[index] = { index, error: faultOf(invalidRequest(parsed.error)) };
      });
      const entries = await store.addSuppressions(
        projectId,
        good.map(({ input }) => input),
        {
          ...newEntries(),
          actor: actorOf(context),
          change: { id: newId('audit'), projectId, action: importSuppressions.name, target: projectId },
        },
      );
      good.forEach(({ index }, at) => {
        results[index] = { index, id: entries[at]?.id ?? '' };
      });
      return { items: results };
    },
    { read: readCsv },
  );

function withReason(item: unknown, reason: string): unknown {
  return typeof item === 'object' && item !== null && !Array.isArray(item) ? { reason, ...item } : item;
}
