import type { History, Violation } from './history.ts';

/** What is known of a process that has ended. */
export interface ProcessLog {
  name: string;
  /** Null when a signal ended it. */
  exitCode: number | null;
  /** From SIGTERM to its end. */
  tookMs: number;
  output: string;
  /** In the order taken, over a load that does not change; none is no statement. */
  samples: Array<{ residentBytes: number; descriptors: number }>;
}

const exitsWithinMs = 10_000;

/** I8. A limit is BullMQ's fixed window: around a boundary a second may hold two of them. */
export function* keepsTheLimit({ copies, perSecond }: History): Generator<Violation> {
  if (perSecond === undefined || copies.length === 0) return;
  const times = copies.map(({ at }) => at).toSorted((a, b) => a - b);
  let from = 0;
  let most = 0;
  for (const [index, at] of times.entries()) {
    while (at - (times[from] ?? 0) >= 1000) from += 1;
    most = Math.max(most, index - from + 1);
  }
  if (most > 2 * perSecond)
    yield { invariant: 'I8', what: `${most} sends in one second, of ${perSecond} allowed` };
  const windows = Math.floor(((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000) + 2;
  if (times.length > windows * perSecond)
    yield {
      invariant: 'I8',
      what: `${times.length} sends in ${windows} windows, of ${perSecond} allowed in each`,
    };
}

/** I11. */
export function* tellsNobody({ secrets }: History): Generator<Violation> {
  for (const { name, text } of secrets?.places ?? []) {
    for (const value of secrets?.values ?? []) {
      const at = text.indexOf(value);
      if (at === -1) continue;
      yield {
        invariant: 'I11',
        what: `${name} tells ${value}: …${text.slice(Math.max(0, at - 200), at + 100)}…`,
      };
    }
  }
}

/** I12. What grows without end is at least half as large again in the second half of a run. */
export function* exitsCleanly({ processes = [] }: History): Generator<Violation> {
  for (const { name, exitCode, tookMs, output, samples } of processes) {
    if (exitCode !== 0) yield { invariant: 'I12', what: `${name} ended with ${exitCode}` };
    if (tookMs > exitsWithinMs) yield { invariant: 'I12', what: `${name} took ${tookMs} ms to end` };
    const [cry] = /.*(unhandled|uncaught).*/i.exec(output) ?? [];
    if (cry !== undefined) yield { invariant: 'I12', what: `${name} said: ${cry}` };
    for (const figure of ['residentBytes', 'descriptors'] as const) {
      const values = samples.map((sample) => sample[figure]);
      // The first quarter is for what is made once: connections, caches, the heap's first size.
      const early = medianOf(values.slice(values.length / 4, values.length / 2));
      const late = medianOf(values.slice(-values.length / 4));
      if (late > 1.5 * early)
        yield { invariant: 'I12', what: `${figure} of ${name} went from ${early} to ${late}` };
    }
  }
}

function medianOf(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
