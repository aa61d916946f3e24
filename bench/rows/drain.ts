import { setTimeout as delay } from 'node:timers/promises';
import type { Channel } from '@tidings/contracts';
import { openDatabase } from '@tidings/db';
import { count, ne } from 'drizzle-orm';
import { makeServiceAccount } from '../../test/support/service-account.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { until } from '../../test/support/until.ts';
import type { Bench } from '../bench.ts';
import { type Part, startPart } from '../harness/part.ts';
import { cpuMs } from '../harness/proc.ts';
import { startRole } from '../harness/worker.ts';
import type { EmailTuning } from '../naive/email.ts';
import type { NaiveCommands } from '../naive/naive-process.ts';
import type { PushTuning } from '../naive/push.ts';
import type { Arrived } from '../sinks/arrivals.ts';
import type { SinkCommands } from '../sinks/sink-process.ts';
import { fillRecord } from '../subjects/fill.ts';

const giveUpMs = 300_000;

/** What is at the other end, on the core of the load. */
export interface Sinks {
  sink: Part<SinkCommands>;
  ports: { smtp: number; pipelining: number; slow: number; stamps: number; fcm: number; http: number };
  /** Variables that lead a Tidings there. */
  env: Record<string, string>;
}

/** One process with all sinks, shared by the rows: only one of them has work at a time. */
export function openSinks(bench: Bench): Promise<Sinks> {
  return bench.shared('sinks', async () => {
    const sink = startPart<SinkCommands>({ core: 'load', file: 'bench/sinks/sink-process.ts' });
    bench.atEnd(sink.end);
    const ports = {
      smtp: await sink.ask('smtp', {}),
      pipelining: await sink.ask('smtp', { pipelining: true }),
      slow: await sink.ask('smtp', { delayMs: 50 }),
      stamps: await sink.ask('smtp', { stamps: true }),
      fcm: await sink.ask('fcm'),
      http: await sink.ask('http'),
    };
    const env = {
      SMTP_URL: `smtp://127.0.0.1:${ports.smtp}`,
      EMAIL_FROM: 'Bench <bench@tidings.example>',
      FCM_SERVICE_ACCOUNT: JSON.stringify(makeServiceAccount().account),
      FCM_BASE_URL: `http://127.0.0.1:${ports.fcm}`,
      FCM_TOKEN_URL: `http://127.0.0.1:${ports.http}/token`,
    };
    return { sink, ports, env };
  });
}

/** How fast messages came out, and what each cost the process that sent it. */
export interface Drained {
  perSecond: number;
  cpuUs: number;
  /** What each cost the sink. */
  sinkCpuUs: number;
}

/**
 * Fills a record, starts the workers as they are shipped, and lets them empty it. Measured from the first to the last
 * message at the sink; afterwards every outcome must be on record.
 */
export async function drainProduct(
  bench: Bench,
  options: { channel: Channel; messages: number; smtpPort?: number; profileDir?: string },
): Promise<Drained> {
  const { channel, messages, profileDir } = options;
  const sinks = await openSinks(bench);
  await bench.flush();
  const record = await bench.record();
  await fillRecord({ env: record.env, count: messages, channel });
  const { smtpPort = sinks.ports.smtp } = options;
  const env = { ...record.env, ...sinks.env, SMTP_URL: `smtp://127.0.0.1:${smtpPort}` };
  await sinks.sink.ask('reset');
  const workers = startRole({ role: 'workers', env, profileDir });
  try {
    const drained = await watchDrain(sinks, workers.pid, messages);
    await until(
      () => unsentIn(record.env),
      (left) => left === 0,
    );
    return drained;
  } catch (error) {
    throw new Error(`the workers said: ${workers.output().slice(-2000)}`, { cause: error });
  } finally {
    await workers.end('SIGTERM');
    record.remove();
  }
}

/** The same with the naive pipeline. */
export async function drainNaive(
  bench: Bench,
  options: { channel: Channel; messages: number; tuning?: EmailTuning & PushTuning },
): Promise<Drained> {
  const { channel, messages, tuning } = options;
  const { sink, ports } = await openSinks(bench);
  const redis = await bench.redis();
  await redis.flush();
  const dir = tempDir();
  const naive = startPart<NaiveCommands>({ core: 'product', file: 'bench/naive/naive-process.ts' });
  try {
    await naive.ask('fill', { dataDir: dir.path, redisUrl: redis.url, channel, count: messages });
    await sink.ask('reset');
    if (channel === 'email') await naive.ask('email', { port: ports.smtp, tuning });
    else await naive.ask('push', { port: ports.http, tuning });
    const drained = await watchDrain({ sink }, naive.pid, messages);
    await until(
      () => naive.ask('unsent'),
      (left) => left === 0,
    );
    return drained;
  } finally {
    await naive.end();
    dir.remove();
  }
}

async function watchDrain({ sink }: Pick<Sinks, 'sink'>, pid: number, messages: number): Promise<Drained> {
  const begun = await arrivals(sink, 1);
  const usedBefore = cpuMs(pid);
  const sinkBefore = cpuMs(sink.pid);
  const arrived = await arrivals(sink, messages);
  const counted = messages - begun.count;
  return {
    perSecond: ((messages - 1) / arrived.ms) * 1000,
    cpuUs: ((cpuMs(pid) - usedBefore) * 1000) / counted,
    sinkCpuUs: ((cpuMs(sink.pid) - sinkBefore) * 1000) / counted,
  };
}

/** What has arrived, once there is so much. */
export async function arrivals(sink: Part<SinkCommands>, atLeast: number): Promise<Arrived> {
  const deadline = performance.now() + giveUpMs;
  for (;;) {
    const arrived = await sink.ask('arrived');
    if (arrived.count >= atLeast) return arrived;
    if (performance.now() > deadline) throw new Error(`${arrived.count} of ${atLeast} messages came`);
    await delay(50);
  }
}

async function unsentIn(env: { DATA_DIR: string; DATABASE_URL?: string }): Promise<number> {
  const database = await openDatabase(env);
  const { messages } = database.tables;
  const [row] = await database.handle
    .select({ left: count() })
    .from(messages)
    .where(ne(messages.status, 'sent'));
  await database.close();
  return row?.left ?? 0;
}
