import { decideDelivery } from '@tidings/contracts';
import type { Decide } from '@tidings/db';
import type { Routes } from '../routes/routes.ts';
import type { RulesOf } from './rules.ts';

const stepMs = 100;

/**
 * Who gets what (`decideDelivery`), decided at the last moment. Whatever would go out waits while no provider of its
 * route is well, or while its provider has no room for it.
 *
 * What recipients say, and who is on the list of suppressions, comes with the claim and holds at once.
 */
export function createDeciding(options: {
  rules: () => Promise<RulesOf>;
  routes: Pick<Routes, 'refresh' | 'waitFor'>;
}): () => Promise<Decide> {
  const { rules, routes } = options;
  return async () => {
    await routes.refresh();
    const rulesOf = await rules();
    return (question) => {
      const wanted = decideDelivery(rulesOf(question.projectId), question);
      if (wanted.kind === 'wait') return { ...wanted, reason: 'quiet_hours' };
      if (wanted.kind !== 'send') return wanted;
      const wait = routes.waitFor(question);
      if (wait === undefined) return wanted;
      // In steps, so that many who wait are put aside by one statement.
      const until = Math.ceil((question.now + wait.ms) / stepMs) * stepMs;
      return { kind: 'wait', until, reason: wait.reason };
    };
  };
}
