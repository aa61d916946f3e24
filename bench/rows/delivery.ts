import { type Bench, profileFolder } from '../bench.ts';
import { startPart } from '../harness/part.ts';
import { printProfiles } from '../harness/print-profile.ts';
import { cpuMs } from '../harness/proc.ts';
import { interleave, median } from '../harness/rounds.ts';
import { said, startRole } from '../harness/worker.ts';
import type { FloodCommands } from '../load/flood-process.ts';
import type { LoadCommands } from '../load/load-process.ts';
import type { PreparedCommands } from '../load/prepared-mails.ts';
import type { Measured, Row } from '../row.ts';
import { arrivals, type Drained, drainNaive, drainProduct, openSinks } from './drain.ts';
import { pairedRatio } from './ratio.ts';

/** Connections that the product keeps for a queue by default. */
const smtpConnections = 16;

export const benchKey = 'tk_0123456789ab_0123456789abcdef0123456789abcdef';

async function drainEmail(bench: Bench): Promise<Measured> {
  const messages = bench.quick ? 2000 : 20_000;
  const sides = await interleave(bench.rounds, {
    product: () => drainProduct(bench, { channel: 'email', messages }),
    naive: () => drainNaive(bench, { channel: 'email', messages }),
  });
  const { ports } = await openSinks(bench);
  const piped = await drainProduct(bench, { channel: 'email', messages, smtpPort: ports.pipelining });
  await profileDrain(bench, 'D1', 'email', messages);
  const ceiling = await sinkCeiling(bench, 'smtp');
  return {
    ...compare(sides.product, sides.naive),
    notes: [
      cpuNote(sides.product, sides.naive),
      `with a server that announces PIPELINING: ${Math.round(piped.perSecond)}/s`,
      `the sink takes ${Math.round(ceiling)}/s from a client that waits for nothing`,
    ],
  };
}

async function drainPush(bench: Bench): Promise<Measured> {
  const messages = bench.quick ? 3000 : 20_000;
  const sides = await interleave(bench.rounds, {
    product: () => drainProduct(bench, { channel: 'push', messages }),
    naive: () => drainNaive(bench, { channel: 'push', messages }),
  });
  await profileDrain(bench, 'D3', 'push', messages);
  const ceiling = await sinkCeiling(bench, 'fcm');
  return {
    ...compare(sides.product, sides.naive),
    notes: [
      cpuNote(sides.product, sides.naive),
      `the sink takes at least ${Math.round(ceiling)}/s, which is what node's HTTP/2 client sends`,
    ],
  };
}

async function drainAgainstPrepared(bench: Bench): Promise<Measured> {
  const messages = bench.quick ? 2000 : 20_000;
  const { ports } = await openSinks(bench);
  const prepared = async (): Promise<Drained> => {
    const sender = startPart<PreparedCommands>({ core: 'product', file: 'bench/load/prepared-mails.ts' });
    const options = { port: ports.smtp, connections: smtpConnections, count: messages };
    try {
      const usedBefore = cpuMs(sender.pid);
      const ms = await sender.ask('send', options);
      const cpuUs = ((cpuMs(sender.pid) - usedBefore) * 1000) / messages;
      return { perSecond: (messages / ms) * 1000, cpuUs, sinkCpuUs: Number.NaN };
    } finally {
      await sender.end();
    }
  };
  const sides = await interleave(bench.rounds, {
    product: () => drainProduct(bench, { channel: 'email', messages }),
    prepared,
  });
  return { ...compare(sides.product, sides.prepared), notes: [cpuNote(sides.product, sides.prepared)] };
}

/** The whole way in one process, as `npm start` runs it. */
async function endToEnd(bench: Bench): Promise<Measured> {
  const { sink, ports, env } = await openSinks(bench);
  const ms = bench.quick ? 3000 : 10_000;
  const perSecond = 500;
  const load = startPart<LoadCommands>({ core: 'load', file: 'bench/load/load-process.ts' });
  const record = await bench.record();
  const profileDir = profileFolder(bench, 'D4');
  await bench.flush();
  const tidings = startRole({
    role: 'start',
    env: { ...env, ...record.env, SMTP_URL: `smtp://127.0.0.1:${ports.stamps}`, TIDINGS_API_KEY: benchKey },
    profileDir,
  });
  try {
    const [, port] = await said(tidings, /http:\/\/127\.0\.0\.1:(\d+)\/v1/);
    const whom = {
      port: Number(port),
      apiKey: benchKey,
      call: 'trpc send' as const,
      connections: 64,
      stamp: true,
    };
    const round = async () => {
      await sink.ask('reset');
      const { answers } = await load.ask('openLoop', { ...whom, ms, perSecond });
      return arrivals(sink, answers);
    };
    await round();
    const { product } = await interleave(bench.rounds, { product: round });
    return {
      value: median(product.map(({ p99Ms }) => p99Ms)),
      rounds: { product: product.map(({ p99Ms }) => p99Ms) },
      notes: [
        `median ${median(product.map(({ p50Ms }) => p50Ms)).toFixed(1)} ms, ` +
          `longest ${Math.max(...product.map(({ maxMs }) => maxMs)).toFixed(0)} ms`,
      ],
    };
  } finally {
    await tidings.end('SIGTERM');
    await load.end();
    record.remove();
    if (profileDir !== undefined) printProfiles(bench, 'D4', profileDir);
  }
}

async function profileDrain(
  bench: Bench,
  id: string,
  channel: 'email' | 'push',
  messages: number,
): Promise<void> {
  const profileDir = profileFolder(bench, id);
  if (profileDir === undefined) return;
  await drainProduct(bench, { channel, messages, profileDir });
  printProfiles(bench, id, profileDir);
}

async function sinkCeiling(bench: Bench, which: 'smtp' | 'fcm'): Promise<number> {
  const { ports } = await openSinks(bench);
  const flood = startPart<FloodCommands>({ core: 'product', file: 'bench/load/flood-process.ts' });
  return flood.ask(which, { port: ports[which], ms: bench.quick ? 1000 : 3000 }).finally(flood.end);
}

function compare(product: Drained[], base: Drained[]): Measured {
  const rates = (list: Drained[]) => list.map(({ perSecond }) => perSecond);
  return {
    value: median(rates(product)),
    base: median(rates(base)),
    ratio: pairedRatio(rates(product), rates(base)),
    rounds: { product: rates(product), base: rates(base) },
  };
}

function cpuNote(product: Drained[], base: Drained[]): string {
  const cpu = (list: Drained[]) => list.map(({ cpuUs }) => cpuUs);
  const ratio = pairedRatio(cpu(base), cpu(product));
  return (
    `processor time each: ${median(cpu(product)).toFixed(0)} µs and ${median(cpu(base)).toFixed(0)} µs, ` +
    `ratio ${ratio.toFixed(2)}; of the sink ${median(product.map(({ sinkCpuUs }) => sinkCpuUs)).toFixed(0)} µs`
  );
}

export const deliveryRows: Row[] = [
  {
    id: 'D1',
    what: 'e-mail drain, one worker process',
    against: 'naive pipeline',
    unit: '/s',
    goal: { ratio: 3 },
    measure: drainEmail,
  },
  {
    id: 'D2',
    what: 'e-mail drain, one worker process',
    against: "nodemailer's smtp-connection, prepared mails",
    unit: '/s',
    goal: { ratio: 0.4 },
    measure: drainAgainstPrepared,
  },
  {
    id: 'D3',
    what: 'push drain, one worker process',
    against: 'naive pipeline, one fetch a message',
    unit: '/s',
    goal: { ratio: 2.5 },
    measure: drainPush,
  },
  {
    id: 'D4',
    what: 'accept to sink at 500/s, p99',
    against: '',
    unit: 'ms',
    goal: { atMost: 100 },
    measure: endToEnd,
  },
];
