import { type SendInput, type SendOutput, TidingsError } from '@tidings/contracts';
import type { AcceptItem, AcceptResult, Store } from '@tidings/db';
import type { FastPath } from '@tidings/queue';
import { createGroup, type Metrics } from '@tidings/runtime';
import type { Admission } from './admission.ts';
import type { MakePlan, Plan } from './plan.ts';
import { hashRequest } from './request-hash.ts';

/** The answer to a request and whether an equal one had it before. */
export interface Accepted {
  answer: SendOutput;
  replayed: boolean;
}

/** Accepts one notification: resolves after it is on disk. */
export type Accept = (projectId: string, input: SendInput) => Promise<Accepted>;

/**
 * Group commit: what arrives while the event loop turns, or while an earlier commit runs, goes to disk
 * together. The queue is told after the commit and nobody waits for it.
 *
 * @throws TidingsError `idempotency_key_reused`, `overloaded`, what the plan throws, or the database's own error.
 */
export function createAccept(options: {
  store: Store;
  makePlan: MakePlan;
  fastPath: FastPath;
  admission: Pick<Admission, 'check'>;
  metrics: Metrics;
}): Accept {
  const { store, makePlan, fastPath, admission, metrics } = options;
  const commit = createGroup<AcceptItem, AcceptResult>({
    maxItems: 500,
    weigh: workOf,
    isOutage: store.isOutage,
    run: async (items) => {
      const results = await store.accept(items);
      const stored = items.filter((_, index) => results[index]?.kind === 'stored');
      for (const { notification } of stored) metrics.accepted.inc({ lane: notification.lane });
      void fastPath.enqueue(stored.flatMap(entriesOf));
      return results;
    },
  });

  /**
   * A request that cannot be planned may be the repeat of one that could: its template or recipient has gone
   * since, its time has passed, or there is no room for more. Then the first answer stands.
   */
  async function answerOfFirst(projectId: string, input: SendInput, refusal: unknown): Promise<Accepted> {
    const { idempotencyKey } = input;
    if (!(refusal instanceof TidingsError) || idempotencyKey === undefined) throw refusal;
    const first = await store.findAnswer(projectId, idempotencyKey);
    if (first === undefined) throw refusal;
    if (first.requestHash !== hashRequest(input)) throw new TidingsError('idempotency_key_reused');
    return { answer: first.answer, replayed: true };
  }

  return async (projectId, input) => {
    let plan: Plan;
    try {
      admission.check();
      plan = await makePlan(projectId, input);
    } catch (refusal) {
      return answerOfFirst(projectId, input, refusal);
    }
    const { item, answer } = plan;
    const result = await commit(item);
    if (result.kind === 'conflict') throw new TidingsError('idempotency_key_reused');
    if (result.kind === 'replayed') return { answer: result.answer, replayed: true };
    return { answer, replayed: false };
  };
}

/**
 * In rows of the common size. A hundred devices are a hundred rows, and a file is as much as thousands: five hundred
 * such requests in one commit would stop everybody for seconds.
 */
function workOf({ notification, messages }: AcceptItem): number {
  const files = notification.emailParts?.attachments ?? [];
  const characters = files.reduce((sum, { content }) => sum + content.length, 0);
  return messages.length + Math.ceil(characters / charactersOfARow);
}

const charactersOfARow = 4096;

function entriesOf({ messages }: AcceptItem) {
  return messages
    .filter(({ place }) => place === 'queue')
    .map(({ id, channel, lane }) => ({ id, generation: 0, channel, lane, delayMs: 0 }));
}
