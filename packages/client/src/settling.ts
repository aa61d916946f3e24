import type { settleCopies } from '@tidings/contracts';
import type { z } from 'zod';
import { TidingsApiError } from './errors.ts';
import { pause } from './pause.ts';
import type { Tidings } from './tidings.ts';

/** The API settles no more in one call. */
const settledAtMost = 100;
const firstWaitMs = 200;
const longestWaitMs = 3000;

type Item = z.input<typeof settleCopies.input>['items'][number];

/** Tells Tidings what came of copies. */
export interface Settling {
  /**
   * Resolves when Tidings knows, however long it is away, or when telling it is given up: the lease then sees to it
   * that the copy comes again. Never rejects.
   */
  settle(item: Item): Promise<void>;
  /** Gives up what was not told yet. */
  stop(): void;
}

/** What ends in the same turn, or while an earlier call runs, is told together. */
export function createSettling(options: {
  tidings: Tidings;
  name: string;
  onError: (error: unknown) => void;
}): Settling {
  const { tidings, name, onError } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let waiting: Array<{ item: Item; done: () => void }> = [];
  let isTelling = false;

  async function tellAll(): Promise<void> {
    isTelling = true;
    await pause(0);
    while (waiting.length > 0) {
      const batch = waiting.slice(0, settledAtMost);
      waiting = waiting.slice(settledAtMost);
      await tell(batch.map(({ item }) => item));
      for (const { done } of batch) done();
    }
    isTelling = false;
  }

  async function tell(items: Item[]): Promise<void> {
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        // What was told already, and the answer lost, is `lost` now: there is nothing to do about either.
        await tidings.consumers.settle.mutate({ name, items }, { signal });
        return;
      } catch (error) {
        if (signal.aborted) return;
        onError(error);
        if (isFinal(error)) return;
        const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** failures);
        await pause(waitMs * (0.5 + Math.random() / 2), signal).catch(() => {});
      }
    }
  }

  return {
    settle: (item) =>
      new Promise((done) => {
        waiting.push({ item, done });
        if (!isTelling) void tellAll();
      }),
    stop: () => stopping.abort(),
  };
}

/** Would the same call be refused again? */
function isFinal(error: unknown): boolean {
  if (!(error instanceof TidingsApiError)) return false;
  const { status } = error.problem;
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}
