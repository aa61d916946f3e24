import { Worker } from 'node:worker_threads';
import { TidingsError } from '@tidings/contracts';
import type { MjmlResult, RunMjml } from './compile.ts';

/** What the thread answers. */
export type Compiled = Omit<MjmlResult, 'tookMs'>;

/** MJML in a thread of its own. */
export interface MjmlThread {
  run: RunMjml;
  /** Ends the thread; what is being compiled is rejected. */
  stop(): Promise<void>;
}

/**
 * Compiles one source at a time in a thread that begins with the first one and ends when it has been idle for
 * `idleMs`. What takes longer than `limitMs` is given up, and the thread with it: MJML blocks while it works.
 * Beyond `waitingAtMost` sources that wait, the next is refused as `overloaded`.
 */
export function createMjmlThread(
  options: { limitMs?: number; idleMs?: number; waitingAtMost?: number } = {},
): MjmlThread {
  const { limitMs = 10_000, idleMs = 60_000, waitingAtMost = 16 } = options;
  let waiting = 0;
  let thread: { worker: Worker; answer: PromiseWithResolvers<Compiled> } | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();

  function begin() {
    const worker = new Worker(new URL('./thread.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 256 },
    });
    const begun = { worker, answer: Promise.withResolvers<Compiled>() };
    worker.on('message', (result: Compiled) => begun.answer.resolve(result));
    worker.on('error', (cause) => giveUp(begun, cause));
    worker.on('exit', () => giveUp(begun));
    return begun;
  }

  function giveUp(given: NonNullable<typeof thread>, cause?: unknown): void {
    if (thread === given) thread = undefined;
    void given.worker.terminate();
    given.answer.reject(
      new Error('MJML could not be compiled within its limits of time and memory', { cause }),
    );
  }

  async function end(): Promise<void> {
    clearTimeout(idle);
    const ending = thread;
    thread = undefined;
    await ending?.worker.terminate();
  }

  async function run(source: string): Promise<MjmlResult> {
    clearTimeout(idle);
    thread ??= begin();
    const running = thread;
    running.answer = Promise.withResolvers();
    running.worker.ref();
    running.worker.postMessage(source);
    const begunAt = performance.now();
    const limit = setTimeout(() => giveUp(running), limitMs);
    try {
      return { ...(await running.answer.promise), tookMs: performance.now() - begunAt };
    } finally {
      clearTimeout(limit);
      // Nobody is left to hear when an idle thread ends.
      running.answer.promise.catch(() => {});
      running.worker.unref();
      idle = setTimeout(() => void end(), idleMs).unref();
    }
  }

  return {
    run: async (source) => {
      if (waiting > waitingAtMost) throw new TidingsError('overloaded', { headers: { 'retry-after': '5' } });
      waiting += 1;
      const next = last
        .then(() => run(source))
        .finally(() => {
          waiting -= 1;
        });
      last = next.catch(() => {});
      return next;
    },
    stop: end,
  };
}
