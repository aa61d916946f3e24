import { Worker } from 'node:worker_threads';
import type { MjmlResult, RunMjml } from './compile.ts';

/** MJML in a thread of its own. */
export interface MjmlThread {
  run: RunMjml;
  /** Ends the thread; what is being compiled is rejected. */
  stop(): Promise<void>;
}

/**
 * Compiles one source at a time in a thread that begins with the first one and ends when it has been idle for
 * `idleMs`. What takes longer than `limitMs` is given up, and the thread with it: MJML blocks while it works.
 */
export function createMjmlThread(options: { limitMs?: number; idleMs?: number } = {}): MjmlThread {
  const { limitMs = 10_000, idleMs = 60_000 } = options;
  let thread: { worker: Worker; answer: PromiseWithResolvers<MjmlResult> } | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();

  function begin() {
    const worker = new Worker(new URL('./thread.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 256 },
    });
    const begun = { worker, answer: Promise.withResolvers<MjmlResult>() };
    worker.on('message', (result: MjmlResult) => begun.answer.resolve(result));
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
    const limit = setTimeout(() => giveUp(running), limitMs);
    try {
      return await running.answer.promise;
    } finally {
      clearTimeout(limit);
      // Nobody is left to hear when an idle thread ends.
      running.answer.promise.catch(() => {});
      running.worker.unref();
      idle = setTimeout(() => void end(), idleMs).unref();
    }
  }

  return {
    run: (source) => {
      const next = last.then(() => run(source));
      last = next.catch(() => {});
      return next;
    },
    stop: end,
  };
}
