import { type Bench, profileFolder } from '../bench.ts';
import { type Part, startPart } from '../harness/part.ts';
import { printProfiles } from '../harness/print-profile.ts';
import { cpuMs } from '../harness/proc.ts';
import { interleave, median } from '../harness/rounds.ts';
import { type Call, itemsPerBulk } from '../load/calls.ts';
import type { LoadCommands } from '../load/load-process.ts';
import type { Measured, Row } from '../row.ts';
import type { ApiCommands } from '../subjects/api-process.ts';
import { pairedRatio } from './ratio.ts';

type Side = 'product' | 'noOp' | 'bare';

/** Notifications a second, and what each cost the server in processor time. */
export interface Rate {
  perSecond: number;
  cpuUs: number;
  p99Ms: number;
}

/** An API with its load generator. */
export interface AcceptBench {
  api: Part<ApiCommands>;
  rate(options: {
    side: Side;
    call: Call;
    ms: number;
    withKeys?: boolean;
    perSecond?: number;
  }): Promise<Rate>;
  close(): Promise<void>;
}

/** Starts the API on a record, and what asks it on the other core. */
export async function openAcceptBench(env: Record<string, string>): Promise<AcceptBench> {
  const api = startPart<ApiCommands>({ core: 'product', file: 'bench/subjects/api-process.ts' });
  const load = startPart<LoadCommands>({ core: 'load', file: 'bench/load/load-process.ts' });
  const { apiKey, ports } = await api.ask('open', env);
  return {
    api,
    rate: async ({ side, call, ms, withKeys = false, perSecond }) => {
      const connections = call === 'trpc sendMany' ? 8 : 64;
      const whom = { port: ports[side], apiKey, call, connections, ms, withKeys };
      const usedBefore = cpuMs(api.pid);
      const loaded =
        perSecond === undefined
          ? await load.ask('closedLoop', whom)
          : await load.ask('openLoop', { ...whom, perSecond });
      const notifications = loaded.answers * (call === 'trpc sendMany' ? itemsPerBulk : 1);
      return {
        perSecond: (notifications / loaded.ms) * 1000,
        cpuUs: ((cpuMs(api.pid) - usedBefore) * 1000) / notifications,
        p99Ms: loaded.p99Ms,
      };
    },
    close: async () => {
      await api.end();
      await load.end();
    },
  };
}

async function withApi(bench: Bench, measure: (accept: AcceptBench) => Promise<Measured>): Promise<Measured> {
  const record = await bench.record();
  await bench.flush();
  const accept = await openAcceptBench(record.env);
  try {
    return await measure(accept);
  } finally {
    await accept.close();
    record.remove();
  }
}

/**
 * One call at a time on 64 connections: the product, the same server with nothing to do, and the bare libraries.
 * `against` is the one of the two that the row is about.
 */
function acceptOne(id: string, call: Call, against: 'noOp' | 'bare') {
  return (bench: Bench): Promise<Measured> =>
    withApi(bench, async (accept) => {
      const ms = bench.quick ? 1000 : 4000;
      const side = (name: Side) => () => accept.rate({ side: name, call, ms });
      // A first round for the compiler.
      for (const name of ['product', 'noOp', 'bare'] as const) await side(name)();
      const sides = await interleave(bench.rounds, {
        product: side('product'),
        noOp: side('noOp'),
        bare: side('bare'),
      });
      const { product, noOp, bare } = sides;
      const other = against === 'noOp' ? bare : noOp;
      const otherName = against === 'noOp' ? 'the bare library' : 'the same server with a no-op';
      const withKeys = await accept.rate({ side: 'product', call, ms, withKeys: true });
      await profileApi(bench, accept, id, call, ms);
      return {
        ...compare(product, sides[against]),
        rounds: { product: rates(product), noOp: rates(noOp), bare: rates(bare) },
        notes: [
          cpuNote(product, sides[against]),
          `against ${otherName}, same schema: ${pairedRatio(rates(product), rates(other)).toFixed(2)}`,
          `with an idempotency key of its own each: ${Math.round(withKeys.perSecond)}/s`,
          `p99 at saturation: ${median(product.map(({ p99Ms }) => p99Ms)).toFixed(1)} ms`,
        ],
      };
    });
}

function acceptBulk(bench: Bench): Promise<Measured> {
  return withApi(bench, async (accept): Promise<Measured> => {
    const ms = bench.quick ? 1500 : 5000;
    const inserts = bench.quick ? 10_000 : 50_000;
    const product = () => accept.rate({ side: 'product', call: 'trpc sendMany', ms });
    const bareInserts = async (): Promise<Rate> => {
      const usedBefore = cpuMs(accept.api.pid);
      const took = await accept.api.ask('insertBare', inserts);
      const cpuUs = ((cpuMs(accept.api.pid) - usedBefore) * 1000) / inserts;
      return { perSecond: (inserts / took) * 1000, cpuUs, p99Ms: Number.NaN };
    };
    await product();
    if (bench.engine === 'redis+postgres') {
      const alone = rates((await interleave(bench.rounds, { product })).product);
      return { value: median(alone), rounds: { product: alone }, notes: ['bare inserts are of SQLite only'] };
    }
    const sides = await interleave(bench.rounds, { product, bareInserts });
    await profileApi(bench, accept, 'A3', 'trpc sendMany', ms);
    return {
      ...compare(sides.product, sides.bareInserts),
      rounds: { product: rates(sides.product), bareInserts: rates(sides.bareInserts) },
      notes: [cpuNote(sides.product, sides.bareInserts)],
    };
  });
}

function acceptLatency(bench: Bench): Promise<Measured> {
  return withApi(bench, async (accept) => {
    const ms = bench.quick ? 2000 : 10_000;
    const side = (name: Side) => () => accept.rate({ side: name, call: 'trpc send', ms, perSecond: 1000 });
    await side('product')();
    const sides = await interleave(bench.rounds, { product: side('product'), noOp: side('noOp') });
    const p99s = (list: Rate[]) => list.map(({ p99Ms }) => p99Ms);
    return {
      value: median(p99s(sides.product)),
      base: median(p99s(sides.noOp)),
      rounds: { product: p99s(sides.product), noOp: p99s(sides.noOp) },
      notes: ['the second figure is the no-op call at the same rate: what the machine alone makes of it'],
    };
  });
}

async function profileApi(
  bench: Bench,
  accept: AcceptBench,
  id: string,
  call: Call,
  ms: number,
): Promise<void> {
  const dir = profileFolder(bench, id);
  if (dir === undefined) return;
  await accept.api.ask('startProfile');
  await accept.rate({ side: 'product', call, ms });
  await accept.api.ask('stopProfile', `${dir}/api.cpuprofile`);
  printProfiles(bench, id, dir);
}

function compare(product: Rate[], base: Rate[]): Pick<Measured, 'value' | 'base' | 'ratio'> {
  return {
    value: median(rates(product)),
    base: median(rates(base)),
    ratio: pairedRatio(rates(product), rates(base)),
  };
}

/** Processor time hardly depends on what else runs on the machine. */
function cpuNote(product: Rate[], base: Rate[]): string {
  const cpu = (list: Rate[]) => median(list.map(({ cpuUs }) => cpuUs));
  const ratio = pairedRatio(
    base.map(({ cpuUs }) => cpuUs),
    product.map(({ cpuUs }) => cpuUs),
  );
  return `processor time each: ${cpu(product).toFixed(0)} µs and ${cpu(base).toFixed(0)} µs, ratio ${ratio.toFixed(2)}`;
}

function rates(list: Rate[]): number[] {
  return list.map(({ perSecond }) => perSecond);
}

export const acceptRows: Row[] = [
  {
    id: 'A1',
    what: 'accept one by tRPC, 64 connections',
    against: 'no-op mutation, same server and schema',
    unit: '/s',
    goal: { ratio: 0.5 },
    measure: acceptOne('A1', 'trpc send', 'noOp'),
  },
  {
    id: 'A2',
    what: 'accept one by REST, 64 connections',
    against: 'no-op route of Hono alone, same schema',
    unit: '/s',
    goal: { ratio: 0.35 },
    measure: acceptOne('A2', 'rest send', 'bare'),
  },
  {
    id: 'A3',
    what: 'bulk accept, 500 a request',
    against: 'bare multi-row inserts',
    unit: '/s',
    goal: { ratio: 0.5, atLeast: 30_000 },
    measure: acceptBulk,
  },
  {
    id: 'A4',
    what: 'accept at 1,000/s open loop, p99',
    against: 'no-op mutation (for information)',
    unit: 'ms',
    goal: { atMost: 10 },
    measure: acceptLatency,
  },
];
