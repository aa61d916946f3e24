import { randomBytes } from 'node:crypto';
import type { Feedback, FeedbackResult, Store } from '@tidings/db';
import { type Metrics, newId } from '@tidings/runtime';

/** What one commit records: a provider may tell of thousands at once. */
const recordedAtOnce = 500;

/**
 * Records feedback and counts it; answers a result for each. `source` is who tells, `kind` what they are counted
 * under; without a project it may be about any.
 */
export type RecordFeedback = (
  told: readonly Feedback[],
  teller: { projectId: string | null; source: string; kind: string },
) => Promise<FeedbackResult[]>;

export function createRecordFeedback(options: {
  store: Pick<Store, 'recordFeedback'>;
  metrics: Pick<Metrics, 'feedback'>;
}): RecordFeedback {
  const { store, metrics } = options;
  return async (told, { projectId, source, kind }) => {
    const results: FeedbackResult[] = [];
    for (let from = 0; from < told.length; from += recordedAtOnce) {
      const feedback = told.slice(from, from + recordedAtOnce);
      const recorded = await store.recordFeedback({
        projectId,
        source,
        feedback,
        newKey: randomBytes(32).toString('hex'),
        newId: () => newId('suppression'),
      });
      for (const [index, result] of recorded.entries()) {
        metrics.feedback.inc({ type: feedback[index]?.type, source: kind, result });
      }
      results.push(...recorded);
    }
    return results;
  };
}
