import type { Child } from '../../test/support/child.ts';
import type { Bench } from '../bench.ts';
import { startPart } from '../harness/part.ts';
import { cpuMs } from '../harness/proc.ts';
import { interleave, median } from '../harness/rounds.ts';
import { said, startRole } from '../harness/worker.ts';
import type { Measured, Row } from '../row.ts';
import type { FanOutCommands } from '../subjects/fan-out-process.ts';
import { openAcceptBench } from './accept.ts';
import { pairedRatio } from './ratio.ts';

/** Consumers that each event is for. */
const consumers = 5;

/** Publishing at a pace: what a shop would notice. At last with workers on the same core that fan out meanwhile. */
async function publishLatency(bench: Bench): Promise<Measured> {
  const record = await bench.record();
  await bench.flush();
  const accept = await openAcceptBench(record.env);
  let workers: Child | undefined;
  try {
    const ms = bench.quick ? 2000 : 10_000;
    const side = (name: 'product' | 'noOp', call: 'trpc publish' | 'trpc send') => () =>
      accept.rate({ side: name, call, ms, perSecond: 1000 });
    await side('product', 'trpc publish')();
    const sides = await interleave(bench.rounds, {
      product: side('product', 'trpc publish'),
      noOp: side('noOp', 'trpc send'),
    });
    const p99s = (list: Array<{ p99Ms: number }>) => list.map(({ p99Ms }) => p99Ms);
    await accept.api.ask('subscribe', consumers);
    workers = startRole({ role: 'workers', env: record.env });
    await said(workers, /ready/);
    const withFanOut = await side('product', 'trpc publish')();
    return {
      value: median(p99s(sides.product)),
      base: median(p99s(sides.noOp)),
      rounds: { product: p99s(sides.product), noOp: p99s(sides.noOp) },
      notes: [
        'the second figure is a no-op call at the same rate: what the machine alone makes of it',
        `while workers on the same core and record fan out to ${consumers} consumers: ${withFanOut.p99Ms.toFixed(1)} ms`,
      ],
    };
  } finally {
    await workers?.end('SIGTERM');
    await accept.close();
    record.remove();
  }
}

/** Events a second, and the processor time of each. */
interface Rate {
  perSecond: number;
  cpuUs: number;
}

/** From events on record to a job of each copy in the queue of its consumer. */
async function fanOutRate(bench: Bench): Promise<Measured> {
  const events = bench.quick ? 2000 : 10_000;

  async function run(side: 'product' | 'bare'): Promise<Rate> {
    await bench.flush();
    const record = await bench.record();
    const part = startPart<FanOutCommands>({ core: 'product', file: 'bench/subjects/fan-out-process.ts' });
    try {
      await part.ask('open', { env: record.env, events, consumers });
      const usedBefore = cpuMs(part.pid);
      const ms = await part.ask(side);
      return { perSecond: (events / ms) * 1000, cpuUs: ((cpuMs(part.pid) - usedBefore) * 1000) / events };
    } finally {
      await part.end();
      record.remove();
    }
  }

  const sides = await interleave(bench.rounds, { product: () => run('product'), bare: () => run('bare') });
  const rates = (list: Rate[]) => list.map(({ perSecond }) => perSecond);
  const cpu = (list: Rate[]) => median(list.map(({ cpuUs }) => cpuUs)).toFixed(0);
  return {
    value: median(rates(sides.product)),
    base: median(rates(sides.bare)),
    ratio: pairedRatio(rates(sides.product), rates(sides.bare)),
    rounds: { product: rates(sides.product), bare: rates(sides.bare) },
    notes: [
      `processor time an event: ${cpu(sides.product)} µs and ${cpu(sides.bare)} µs`,
      'both sides add a job for every copy; the window is as long as all of them, so that nobody need consume',
    ],
  };
}

export const eventRows: Row[] = [
  {
    id: 'E1',
    what: 'publish at 1,000/s open loop, p99',
    against: 'no-op mutation (for information)',
    unit: 'ms',
    goal: { atMost: 10 },
    measure: publishLatency,
  },
  {
    id: 'E2',
    what: `fan-out to ${consumers} consumers, events`,
    against: 'bare BullMQ adds of the same copies',
    unit: '/s',
    goal: { ratio: 0.5 },
    measure: fanOutRate,
  },
];
