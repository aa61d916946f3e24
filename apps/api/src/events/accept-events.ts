import { hash } from 'node:crypto';
import type { Admission } from '@tidings/accept';
import { isHappening, type PublishInput, type PublishOutput, TidingsError } from '@tidings/contracts';
import type { NewEvent, PublishResult, Store } from '@tidings/db';
import { createGroup, type Metrics, newId } from '@tidings/runtime';
import stringify from 'safe-stable-stringify';
import type { DeclaredTypes } from '../event-types/declared.ts';

/** The answer to a publish and whether an equal one had it before. */
export interface AcceptedEvent {
  answer: PublishOutput;
  replayed: boolean;
}

/** Accepts one event: resolves after it is on disk. */
export type AcceptEvent = (projectId: string, input: PublishInput) => Promise<AcceptedEvent>;

interface Item {
  event: NewEvent;
  /** Characters of its JSON. */
  size: number;
}

/** An event of so many characters is as much work as one of the common size. */
const charactersOfARow = 4096;

/**
 * Group commit, as for notifications: what arrives while the event loop turns, or while an earlier commit runs, goes
 * to disk together. Its consumers get their copies from the workers.
 *
 * @throws TidingsError `event_id_reused`, `invalid_event_data`, `reserved_event_type`, `overloaded`, or the database's
 * own error.
 */
export function createAcceptEvent(options: {
  store: Store;
  declared: DeclaredTypes;
  admission: Pick<Admission, 'check'>;
  metrics: Metrics;
}): AcceptEvent {
  const { store, declared, admission, metrics } = options;
  const commit = createGroup<Item, PublishResult>({
    maxItems: 500,
    weigh: ({ size }) => Math.ceil(size / charactersOfARow),
    isOutage: store.isOutage,
    run: async (items) => {
      const results = await store.publish(items.map(({ event }) => event));
      metrics.published.inc(results.filter(({ kind }) => kind === 'stored').length);
      return results;
    },
  });

  async function check(projectId: string, { type, data }: PublishInput): Promise<void> {
    admission.check();
    if (isHappening(type)) {
      const errors = [{ pointer: '/type', detail: 'is what Tidings itself tells of' }];
      throw new TidingsError('reserved_event_type', { errors });
    }
    const checkData = await declared.checkOf(projectId, type);
    const faults = checkData?.(data) ?? [];
    if (faults.length > 0) throw new TidingsError('invalid_event_data', { errors: faults });
  }

  /**
   * What is refused may be the repeat of what was not: its type has become stricter since, or there is no room for
   * more. Then the first answer stands.
   */
  async function answerOfFirst(projectId: string, input: PublishInput, refusal: unknown) {
    const { id, source = '' } = input;
    if (!(refusal instanceof TidingsError) || id === undefined) throw refusal;
    const first = await store.findFirstEvent(projectId, source, id);
    if (first === undefined) throw refusal;
    if (first.requestHash !== hashOf(contentOf(input))) throw new TidingsError('event_id_reused');
    return { answer: answerOf(first.id, input), replayed: true };
  }

  return async (projectId, input) => {
    try {
      await check(projectId, input);
    } catch (refusal) {
      return answerOfFirst(projectId, input, refusal);
    }
    const item = itemOf(projectId, input);
    const result = await commit(item);
    if (result.kind === 'conflict') throw new TidingsError('event_id_reused');
    const replayed = result.kind === 'replayed';
    return { answer: answerOf(replayed ? result.id : item.event.id, input), replayed };
  };
}

function itemOf(projectId: string, input: PublishInput): Item {
  const { type, id, source = '', subject, occurredAt, data } = input;
  const content = contentOf(input);
  return {
    event: {
      id: newId('event'),
      projectId,
      externalId: id ?? null,
      source,
      requestHash: id === undefined ? null : hashOf(content),
      origin: 'application',
      type,
      subject: subject ?? null,
      ...(occurredAt !== undefined && { occurredAt: Date.parse(occurredAt) }),
      data,
    },
    size: content.length,
  };
}

/** What was said but for its id, keys sorted: two that say the same are equal, however they are written. */
function contentOf({ type, subject, occurredAt, data }: PublishInput): string {
  const at = occurredAt === undefined ? undefined : Date.parse(occurredAt);
  return stringify({ type, subject, occurredAt: at, data }) as string;
}

function hashOf(content: string): string {
  return hash('sha256', content, 'hex');
}

function answerOf(id: string, { id: externalId, type }: PublishInput): PublishOutput {
  return { id, externalId: externalId ?? null, type, status: 'accepted' };
}
