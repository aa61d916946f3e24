import type { Retention } from '@tidings/contracts';
import type { PruneRule, Store } from '@tidings/db';

/** Rows that one commit looks at. */
const rowsAtOnce = 200;
/** Open notifications, of a project and rule, that a process remembers to look at again. */
const leftAtMost = 10_000;

const daysOf: Readonly<Record<PruneRule, (retention: Retention) => number | null>> = {
  payloads: ({ payloadsDays }) => payloadsDays,
  idempotencyKeys: ({ idempotencyKeysDays }) => idempotencyKeysDays,
  attempts: ({ attemptsDays }) => attemptsDays,
  notifications: ({ notificationsDays }) => notificationsDays,
};

/**
 * Removes what is older than its project keeps it, a commit a call. Answers whether there is more to do now; false
 * ends a round, and the next call begins another.
 */
export function createPruner({ store }: { store: Store }): () => Promise<boolean> {
  // Where the next round of a project and rule begins, and what was left before that: it is looked at again, so
  // that a notification that is open for a year does not have all that came after it gone through each time.
  const states = new Map<string, { doneUntil: string | null; left: string[] }>();
  let round: AsyncGenerator<void> | undefined;

  async function* newRound(): AsyncGenerator<void> {
    for (const { projectId, retention } of await store.retentions()) {
      for (const [rule, days] of Object.entries(daysOf)) {
        yield* pruneBy(projectId, rule as PruneRule, days(retention));
      }
      if (retention.eventsDays !== null) yield* pruneEvents(projectId, retention.eventsDays);
      if (retention.auditDays !== null) yield* pruneAudit(projectId, retention.auditDays);
    }
    yield* pruneAudit(null, instanceAuditDays);
  }

  async function* pruneBy(projectId: string, rule: PruneRule, days: number | null): AsyncGenerator<void> {
    if (days === null) return;
    const key = `${projectId} ${rule}`;
    const state = states.get(key) ?? { doneUntil: null, left: [] };
    states.set(key, state);
    const left: string[] = [];
    for (let at = 0; at < state.left.length; at += rowsAtOnce) {
      const ids = state.left.slice(at, at + rowsAtOnce);
      left.push(...(await store.pruneLeft({ rule, days, ids })));
      yield;
    }
    state.left = left;
    let after = state.doneUntil;
    let isWhole = true;
    do {
      const page = await store.pruneNotifications({ projectId, rule, days, after, limit: rowsAtOnce });
      isWhole &&= state.left.length + page.left.length <= leftAtMost;
      if (isWhole && page.doneUntil !== null) {
        state.doneUntil = page.doneUntil;
        state.left.push(...page.left);
      }
      after = page.after;
      yield;
    } while (after !== null);
  }

  async function* pruneEvents(projectId: string, days: number): AsyncGenerator<void> {
    while (await store.pruneEvents({ projectId, days, limit: rowsAtOnce })) yield;
  }

  async function* pruneAudit(projectId: string | null, days: number): AsyncGenerator<void> {
    while (await store.pruneAudit({ projectId, days, limit: rowsAtOnce })) yield;
  }

  return async () => {
    round ??= newRound();
    try {
      const { done } = await round.next();
      if (done) round = undefined;
      return !done;
    } catch (error) {
      round = undefined;
      throw error;
    }
  };
}

/** What belongs to no project has no rules of its own. */
const instanceAuditDays = 365;
