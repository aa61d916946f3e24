import { setTimeout as delay } from 'node:timers/promises';
import type { Lane } from '@tidings/contracts';
import { until } from '../../test/support/until.ts';
import type { Bench, BenchRecord } from '../bench.ts';
import { startPart } from '../harness/part.ts';
import { residentMb } from '../harness/proc.ts';
import { interleave, median } from '../harness/rounds.ts';
import { said, startRole } from '../harness/worker.ts';
import type { LoadCommands } from '../load/load-process.ts';
import type { Measured, Row } from '../row.ts';
import type { Arrived } from '../sinks/arrivals.ts';
import { addAnotherProject } from '../subjects/another-project.ts';
import { fillRecord } from '../subjects/fill.ts';
import { openAcceptBench } from './accept.ts';
import { few, fillUp, largeBacklog, manyOf } from './backlog.ts';
import { benchKey } from './delivery.ts';
import { arrivals, openSinks } from './drain.ts';
import { pairedRatio } from './ratio.ts';

const smallDatabase = 2;

const anotherKey = 'tk_ba9876543210_0123456789abcdef0123456789abcdef';

/** Accepts and deliveries a second with a backlog. */
interface Pace {
  accepted: number;
  drained: number;
}

async function paceWithBacklog(bench: Bench): Promise<Measured> {
  const toDrain = bench.quick ? 1000 : 5000;
  const { sink, env } = await openSinks(bench);

  async function pace(record: BenchRecord): Promise<Pace> {
    await sink.ask('reset', toDrain);
    const workers = startRole({ role: 'workers', env: { ...env, ...record.env } });
    const { msToMark = Number.NaN } = await arrivals(sink, toDrain).finally(() => workers.end('SIGTERM'));
    const accept = await openAcceptBench(record.env);
    const whom = { side: 'product', call: 'trpc send' } as const;
    await accept.rate({ ...whom, ms: 500 });
    const { perSecond } = await accept.rate({ ...whom, ms: bench.quick ? 1000 : 3000 }).finally(accept.close);
    return { accepted: perSecond, drained: ((toDrain - 1) / msToMark) * 1000 };
  }

  const sides = await interleave(bench.rounds, {
    large: async () => pace(await largeBacklog(bench)),
    small: async () => {
      const record = await bench.record(smallDatabase);
      await fillUp(record, few);
      return pace(record).finally(record.remove);
    },
  });
  const of = (list: Pace[], what: keyof Pace) => list.map((one) => one[what]);
  const ratioOf = (what: keyof Pace) => pairedRatio(of(sides.large, what), of(sides.small, what));
  const worse = ratioOf('accepted') < ratioOf('drained') ? 'accepted' : 'drained';
  return {
    value: median(of(sides.large, worse)),
    base: median(of(sides.small, worse)),
    ratio: ratioOf(worse),
    rounds: {
      largeDrained: of(sides.large, 'drained'),
      smallDrained: of(sides.small, 'drained'),
      largeAccepted: of(sides.large, 'accepted'),
      smallAccepted: of(sides.small, 'accepted'),
    },
    notes: [
      `the worse of two: drain ${ratioOf('drained').toFixed(2)}, accept ${ratioOf('accepted').toFixed(2)}`,
      `${manyOf(bench).toLocaleString('en-US')} against ${few.toLocaleString('en-US')} waiting`,
    ],
  };
}

/** Memory of Redis and of the workers while they work on the large backlog: the most that was seen. */
function memory(bench: Bench): Promise<{ redisMb: number; workerMb: number }> {
  return bench.shared('memory', async () => {
    const { sink, env } = await openSinks(bench);
    const record = await largeBacklog(bench);
    const redis = bench.engine === 'embedded+sqlite' ? undefined : await bench.redis();
    await sink.ask('reset');
    const workers = startRole({ role: 'workers', env: { ...env, ...record.env } });
    const most = { redisMb: 0, workerMb: 0 };
    try {
      await arrivals(sink, 1);
      const until = performance.now() + (bench.quick ? 3000 : 30_000);
      while (performance.now() < until) {
        await delay(100);
        most.redisMb = Math.max(most.redisMb, (await redis?.usedMb()) ?? 0);
        most.workerMb = Math.max(most.workerMb, residentMb(workers.pid));
      }
    } finally {
      await workers.end('SIGTERM');
    }
    return most;
  });
}

async function redisMemory(bench: Bench): Promise<Measured> {
  if (bench.engine === 'embedded+sqlite') throw new Error('there is no Redis');
  const { redisMb } = await memory(bench);
  return {
    value: redisMb,
    rounds: { product: [redisMb] },
    notes: ['used_memory, the most in half a minute'],
  };
}

async function workerMemory(bench: Bench): Promise<Measured> {
  const { workerMb } = await memory(bench);
  return { value: workerMb, rounds: { product: [workerMb] }, notes: ['resident, the most in half a minute'] };
}

/** Deliveries a second of 1, 2 and 4 processes against a server that takes 50 ms for each mail. */
async function processes(bench: Bench): Promise<Measured> {
  if (bench.engine === 'embedded+sqlite') throw new Error('processes share no embedded queue');
  const { sink, ports, env } = await openSinks(bench);
  const ms = bench.quick ? 2000 : 6000;

  async function rateOf(workers: number): Promise<number> {
    await bench.flush();
    const record = await bench.record();
    await fillRecord({ env: record.env, count: bench.quick ? 8000 : 20_000, channel: 'email' });
    await sink.ask('reset');
    const all = { ...env, ...record.env, SMTP_URL: `smtp://127.0.0.1:${ports.slow}` };
    const running = Array.from({ length: workers }, () => startRole({ role: 'workers', env: all }));
    try {
      // All of them are up and have their connections.
      await Promise.all(running.map((one) => said(one, /"ready"/)));
      await delay(1000);
      await sink.ask('reset');
      await delay(ms);
      const { count, ms: took } = await sink.ask('arrived');
      return ((count - 1) / took) * 1000;
    } finally {
      await Promise.all(running.map((one) => one.end('SIGTERM')));
      record.remove();
    }
  }

  const { one, two, four } = await interleave(bench.rounds, {
    one: () => rateOf(1),
    two: () => rateOf(2),
    four: () => rateOf(4),
  });
  const ofTwo = pairedRatio(two, one) / 2;
  const ofFour = pairedRatio(four, one) / 4;
  return {
    value: median(four),
    base: median(one) * 4,
    ratio: Math.min(ofTwo, ofFour),
    rounds: { one, two, four },
    notes: [`of linear: 2 processes ${ofTwo.toFixed(2)}, 4 processes ${ofFour.toFixed(2)}; all on one core`],
  };
}

/**
 * One process, as `npm start` runs it, with a backlog; now and then somebody asks for something critical, and then
 * another project for something as little urgent as all that waits.
 */
async function criticalFirst(bench: Bench): Promise<Measured> {
  const { sink, ports, env } = await openSinks(bench);
  const record = await largeBacklog(bench);
  await addAnotherProject(record.env, anotherKey);
  const load = startPart<LoadCommands>({ core: 'load', file: 'bench/load/load-process.ts' });
  await sink.ask('reset');
  const tidings = startRole({
    role: 'start',
    env: { ...env, ...record.env, SMTP_URL: `smtp://127.0.0.1:${ports.stamps}`, TIDINGS_API_KEY: benchKey },
  });
  try {
    const [, port] = await said(tidings, /http:\/\/127\.0\.0\.1:(\d+)\/v1/);
    await arrivals(sink, 500);
    const ms = bench.quick ? 3000 : 20_000;
    const latencies = async (of: { apiKey: string; lane: Lane }): Promise<Arrived> => {
      await sink.ask('reset');
      const { answers } = await load.ask('openLoop', {
        ...of,
        port: Number(port),
        call: 'trpc send',
        connections: 1,
        ms,
        stamp: true,
        perSecond: 2,
      });
      return until(
        () => sink.ask('arrived'),
        ({ stamped }) => stamped >= answers,
      );
    };
    const { stamped, p50Ms, maxMs } = await latencies({ apiKey: benchKey, lane: 'critical' });
    const another = await latencies({ apiKey: anotherKey, lane: 'bulk' });
    return {
      value: maxMs / 1000,
      rounds: { product: [maxMs / 1000], anotherProject: [another.maxMs / 1000] },
      notes: [
        `the longest of ${stamped}; median ${p50Ms.toFixed(0)} ms; bulk messages went out all the while`,
        `bulk of another project: longest ${(another.maxMs / 1000).toFixed(1)} s, median ${another.p50Ms.toFixed(0)} ms`,
      ],
    };
  } finally {
    await tidings.end('SIGTERM');
    await load.end();
  }
}

export const scaleRows: Row[] = [
  {
    id: 'S1',
    what: 'drain and accept with 1,000,000 waiting',
    against: 'the same with 10,000',
    unit: '/s',
    goal: { ratio: 0.9 },
    measure: paceWithBacklog,
  },
  {
    id: 'S2',
    what: 'Redis memory with 1,000,000 waiting',
    against: '',
    unit: 'MB',
    goal: { atMost: 100 },
    measure: redisMemory,
  },
  {
    id: 'S3',
    what: 'worker memory with 1,000,000 waiting',
    against: '',
    unit: 'MB',
    goal: { atMost: 300 },
    measure: workerMemory,
  },
  {
    id: 'S4',
    what: '4 worker processes, a sink with 50 ms',
    against: '4 times one of them',
    unit: '/s',
    goal: { ratio: 0.9 },
    measure: processes,
  },
  {
    id: 'S5',
    what: 'critical behind 1,000,000 bulk, longest',
    against: '',
    unit: 's',
    goal: { atMost: 1 },
    measure: criticalFirst,
  },
];
