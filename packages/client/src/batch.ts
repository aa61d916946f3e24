import { type Operation, type OperationLink, TRPCClientError, type TRPCLink } from '@trpc/client';
import type { AnyRouter } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import { type Problem, TidingsApiError } from './errors.ts';

/** Calls in one request at most; the API takes 1,000. */
const itemsAtMost = 500;
/** Characters of JSON in one request at most; the API takes 10 MB. */
const charactersAtMost = 2_000_000;

interface Waiting {
  op: Operation;
  characters: number;
  answer: (result: unknown) => void;
  fail: (error: TRPCClientError<AnyRouter>) => void;
}

type Item = { index: number; error: Problem } | { index: number };

/**
 * Calls of `one` in the same turn of the event loop go out as one request of `many`, and each gets its own answer or
 * its own error. One alone is an ordinary request.
 */
export function batched(paths: { one: string; many: string }): TRPCLink<AnyRouter> {
  return () => batching(paths);
}

function batching({ one, many }: { one: string; many: string }): OperationLink<AnyRouter> {
  let waiting: Waiting[] = [];

  return ({ op, next }) => {
    if (op.path !== one) return next(op);
    return observable((observer) => {
      const mine: Waiting = {
        op,
        characters: JSON.stringify(op.input)?.length ?? 0,
        answer: (data) => {
          observer.next({ result: { type: 'data', data } });
          observer.complete();
        },
        fail: (error) => observer.error(error),
      };
      const { signal } = op;
      const giveUp = () => {
        waiting = waiting.filter((other) => other !== mine);
        mine.fail(TRPCClientError.from(signal?.reason));
      };
      if (signal?.aborted) {
        giveUp();
        return;
      }
      if (waiting.push(mine) === 1) setTimeout(flush, 0);
      signal?.addEventListener('abort', giveUp);
      return () => signal?.removeEventListener('abort', giveUp);
    });

    function flush(): void {
      while (waiting.length > 0) {
        const size = sizeOfNext(waiting);
        const batch = waiting.slice(0, size);
        waiting = waiting.slice(size);
        const [first] = batch;
        if (first !== undefined) together(batch, first);
      }
    }

    function together(batch: Waiting[], first: Waiting): void {
      const isAlone = batch.length === 1;
      const call: Operation = isAlone
        ? first.op
        : {
            ...first.op,
            path: many,
            input: { items: batch.map(({ op }) => op.input) },
            // Nobody may give up what others wait for too.
            signal: null,
          };
      next(call).subscribe({
        next: (envelope) => {
          const data = 'data' in envelope.result ? envelope.result.data : undefined;
          if (isAlone) first.answer(data);
          else distribute(batch, (data as { items?: Item[] } | undefined)?.items ?? []);
        },
        error: (error) => {
          for (const { fail } of batch) fail(error);
        },
      });
    }
  };
}

function sizeOfNext(waiting: Waiting[]): number {
  let characters = 0;
  const tooMany = waiting.findIndex((one, index) => {
    characters += one.characters;
    return index >= itemsAtMost || characters > charactersAtMost;
  });
  return tooMany === -1 ? waiting.length : Math.max(1, tooMany);
}

function distribute(batch: Waiting[], items: Item[]): void {
  batch.forEach((one, place) => {
    const item = items[place];
    if (item === undefined) one.fail(TRPCClientError.from(new Error('The answer lacks an item')));
    else if ('error' in item) one.fail(new TidingsApiError(item.error));
    else {
      const { index: _, ...answer } = item;
      one.answer(answer);
    }
  });
}
