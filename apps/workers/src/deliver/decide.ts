import { type DeliveryRules, decideDelivery, wordsOf } from '@tidings/contracts';
import type { Decide, Store } from '@tidings/db';

const none: DeliveryRules = { timezone: 'UTC', required: new Set(), defaults: new Map() };

/**
 * Who gets what (`decideDelivery`), decided at the last moment.
 *
 * The rules of projects are read again once they are older than `rulesMs`; what recipients say comes with the claim
 * and holds at once. Many who ask at the same time read once.
 */
export function createDeciding(options: {
  store: Pick<Store, 'projectRules'>;
  rulesMs?: number;
}): () => Promise<Decide> {
  const { store, rulesMs = 5000 } = options;
  let known: { decide: Promise<Decide>; until: number } | undefined;

  async function read(): Promise<Decide> {
    const all = await store.projectRules();
    const rulesOf = new Map(
      all.map(({ projectId, timezone, required, defaults }): [string, DeliveryRules] => [
        projectId,
        { timezone, required: new Set(required), defaults: wordsOf(defaults) },
      ]),
    );
    return (question) => decideDelivery(rulesOf.get(question.projectId) ?? none, question);
  }

  return () => {
    if (known !== undefined && performance.now() < known.until) return known.decide;
    const decide = read();
    const mine = { decide, until: performance.now() + rulesMs };
    known = mine;
    // What could not be read is asked for again.
    decide.catch(() => {
      if (known === mine) known = undefined;
    });
    return decide;
  };
}
