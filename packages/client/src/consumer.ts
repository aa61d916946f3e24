import type { DeliveredEvent, ReceivedCopy } from '@tidings/contracts';
import { createTidings, type TidingsOptions } from './create-tidings.ts';
import { isApiError } from './errors.ts';
import { createHands } from './hands.ts';
import { pause } from './pause.ts';
import { createSettling } from './settling.ts';
import type { Tidings } from './tidings.ts';

/** What a handler is told beside the event. */
export interface Handling {
  /** This consumer's copy of the event. */
  copyId: string;
  /** Which try this is, from 1. */
  attempt: number;
  /** Ends when somebody else may have the copy by now: what is not committed yet is better left. */
  signal: AbortSignal;
}

export interface ConsumerSettings {
  /** What the consumer is called in its project. Programs of the same name share its work. */
  name: string;
  /** Types of events and patterns of them: `order.created`, `order.*`, `*`. */
  types: string[];
  /** An expression of CEL over type, subject, source and data. */
  filter?: string;
  /** One event after the other, in the order they were published. */
  ordered?: boolean;
  /** After how many failures an event is a dead letter. 8 when left out. */
  maxFailures?: number;
  /**
   * Does what is to be done about one event; what it rejects with goes on record, and the event comes again after a
   * wait. It may get an event more than once, with the same `event.id`.
   */
  handler: (event: DeliveredEvent, handling: Handling) => Promise<unknown> | unknown;
  /** How many events are handled at once. 10 when left out. */
  concurrency?: number;
  /**
   * For how many seconds an event is this program's alone, 5 to 3600; renewed while its handler runs. Another gets it
   * so long after this program died. 60 when left out.
   */
  leaseSeconds?: number;
  /** Told of what does not succeed between this program and Tidings; it goes on by itself. Otherwise `console.error`. */
  onError?: (error: unknown) => void;
}

/** A client, or how to reach Tidings. The key needs the scope `consume`. */
export type ConsumerOptions = ConsumerSettings & ({ tidings: Tidings } | TidingsOptions);

/** A running consumer. */
export interface Consumer {
  /**
   * Resolves once Tidings knows the consumer: what is published from then on is for it. Rejects when the consumer is
   * stopped before.
   */
  readonly subscribed: Promise<void>;
  /**
   * Takes nothing more, lets handlers that run come to their end, and settles what they did; it waits for that for
   * `deadlineMs` at most (10,000). What is left then is handed to another when its lease ends. Never rejects.
   */
  stop(options?: { deadlineMs?: number }): Promise<void>;
}

/** The API answers sooner when there is something. */
const waitSeconds = 20;
const takenAtMost = 100;
const firstWaitMs = 200;
/** Tidings may come back at any moment. */
const longestWaitMs = 3000;

/**
 * Gives this program its own copies of events, from a queue of its own: subscribes by name, receives, and settles each
 * copy after its handler has come to an end. While Tidings is away it tries again, for ever.
 *
 * At least once: a program that dies after its handler committed gets the event again. The handler that inserts
 * `event.id` in the transaction of its effect does it once:
 *
 * @example
 * const consumer = createConsumer({
 *   url: 'http://127.0.0.1:3000',
 *   apiKey: process.env.TIDINGS_API_KEY,
 *   name: 'stock-service',
 *   types: ['order.created'],
 *   handler: (event) =>
 *     db.transaction((tx) => {
 *       const isNew = tx.run('INSERT INTO handled (event_id) VALUES (?) ON CONFLICT DO NOTHING', event.id).changes === 1;
 *       if (isNew) tx.run('UPDATE products SET stock = stock - 1 WHERE id = ?', event.data.productId);
 *     }),
 * });
 * process.on('SIGTERM', () => consumer.stop());
 */
export function createConsumer(options: ConsumerOptions): Consumer {
  const { name, types, filter = null, ordered = false, maxFailures = 8 } = options;
  const { handler, concurrency = 10, leaseSeconds = 60, onError = console.error } = options;
  const tidings = 'tidings' in options ? options.tidings : createTidings(options);
  const stopping = new AbortController();
  const hands = createHands({ tidings, name, leaseSeconds, onError });
  const settling = createSettling({ tidings, name, onError });
  const { promise: subscribed, resolve: haveSubscribed, reject: neverSubscribed } = deferred();

  async function subscribe(): Promise<void> {
    const wanted = { name, types, filter, ordered, maxFailures };
    await tidings.consumers.subscribe.mutate(wanted, { signal: stopping.signal });
    haveSubscribed();
  }

  async function receive(): Promise<void> {
    const limit = Math.min(concurrency - hands.count(), takenAtMost);
    const asked = { name, limit, waitSeconds, leaseSeconds };
    const { items } = await tidings.consumers.receive.mutate(asked, { signal: stopping.signal });
    for (const item of items) void work(item);
  }

  async function work({ copyId, token, attempt, event }: ReceivedCopy): Promise<void> {
    const { signal, release } = hands.take({ copyId, token });
    const handled = (async () => handler(event, { copyId, attempt, signal }))();
    const outcome = await handled.then(
      () => ({ outcome: 'done' as const }),
      (error) => ({ outcome: 'failed' as const, error: textOf(error) }),
    );
    await settling.settle({ copyId, token, ...outcome });
    release();
  }

  async function run(): Promise<void> {
    let isSubscribed = false;
    let failures = 0;
    while (!stopping.signal.aborted) {
      try {
        if (!isSubscribed) await subscribe();
        isSubscribed = true;
        await hands.untilFewerThan(concurrency);
        if (!stopping.signal.aborted) await receive();
        failures = 0;
      } catch (error) {
        if (stopping.signal.aborted) break;
        onError(error);
        // Somebody has removed it, and this program still wants its events.
        if (isApiError(error, 'not_found')) isSubscribed = false;
        const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** failures);
        failures += 1;
        await pause(waitMs * (0.5 + Math.random() / 2), stopping.signal).catch(() => {});
      }
    }
    neverSubscribed(new Error('The consumer was stopped'));
  }

  const running = run();
  return {
    subscribed,
    stop: async ({ deadlineMs = 10_000 } = {}) => {
      stopping.abort();
      const inTime = new AbortController();
      const late = pause(deadlineMs, inTime.signal).catch(() => {});
      await Promise.race([running.then(() => hands.untilFewerThan(1)), late]);
      inTime.abort();
      settling.stop();
      hands.stop();
    },
  };
}

/** What goes on record of a failure: at most 1,000 characters, and none that is no text. */
function textOf(error: unknown): string {
  return wordsOf(error)
    .slice(0, 1000)
    .replaceAll(/[\0\p{Surrogate}]/gu, '\uFFFD');
}

/** Anything may be thrown, also what has no words: it must not cost that the failure is told. */
function wordsOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return 'The handler failed';
  }
}

/** A promise that nobody has to wait for. */
function deferred() {
  let resolve = () => {};
  let reject = (_: Error) => {};
  const promise = new Promise<void>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
