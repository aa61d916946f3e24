import { setTimeout as delay } from 'node:timers/promises';
import type { Child } from '../support/child.ts';
import type { TestPostgres } from '../support/postgres-server.ts';
import type { TestRedis } from '../support/redis-server.ts';
import type { ToxicProxy } from '../support/toxic-proxy.ts';
import type { Cluster } from './cluster.ts';

/** A sequence of numbers in [0, 1) that a seed decides (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const kinds = [
  'worker killed',
  'worker frozen',
  'API killed',
  'redis killed',
  'redis frozen',
  'redis emptied',
  'redis black hole',
  'redis latency',
  'redis resets',
  'mail reset',
  'mail latency',
] as const;
const kindsOfPostgres = [
  'postgres killed',
  'postgres frozen',
  'postgres resets',
  'postgres latency',
] as const;
export type FaultKind = (typeof kinds)[number] | (typeof kindsOfPostgres)[number];

/** What each fault takes hold of: two at once never want the same. */
const targetOf: Readonly<Record<FaultKind, string>> = {
  'worker killed': 'workers',
  'worker frozen': 'workers',
  'API killed': 'API',
  'redis killed': 'redis',
  'redis frozen': 'redis',
  'redis emptied': 'redis',
  'redis black hole': 'way to redis',
  'redis latency': 'way to redis',
  'redis resets': 'way to redis',
  'mail reset': 'way to the mail server',
  'mail latency': 'way to the mail server',
  'postgres killed': 'postgres',
  'postgres frozen': 'postgres',
  'postgres resets': 'way to postgres',
  'postgres latency': 'way to postgres',
};

/** One fault of a plan: when it begins and how long it lasts, in milliseconds from the start. */
export interface PlannedFault {
  kind: FaultKind;
  atMs: number;
  forMs: number;
}

/**
 * Rounds of two or three faults at once, each on something else, with a pause after each round. With Postgres its
 * faults are among them.
 */
export function planFaults(seed: number, totalMs: number, withPostgres = false): PlannedFault[] {
  const choice: readonly FaultKind[] = withPostgres ? [...kinds, ...kindsOfPostgres] : kinds;
  const random = randomFrom(seed);
  const between = (low: number, high: number) => Math.round(low + random() * (high - low));
  const plan: PlannedFault[] = [];
  for (let roundMs = 0; roundMs < totalMs; ) {
    const wanted = between(2, 3);
    const round: PlannedFault[] = [];
    while (round.length < wanted) {
      const kind = choice[Math.floor(random() * choice.length)] ?? 'worker killed';
      if (round.some((other) => targetOf[other.kind] === targetOf[kind])) continue;
      round.push({ kind, atMs: roundMs + between(0, 500), forMs: between(500, 5000) });
    }
    plan.push(...round);
    roundMs = Math.max(...round.map(({ atMs, forMs }) => atMs + forMs)) + between(500, 2000);
  }
  return plan;
}

/** What the faults are done to. `workers` holds those that live. */
export interface Targets {
  cluster: Cluster;
  api: Child;
  workers: Child[];
  redis: TestRedis;
  redisProxy: ToxicProxy;
  mailProxy: ToxicProxy;
  /** Where the record is a Postgres. */
  postgres?: TestPostgres;
  postgresProxy?: ToxicProxy;
}

/** Carries out a plan; resolves when its last fault has ended and everything is back. */
export async function carryOut(plan: PlannedFault[], targets: Targets): Promise<void> {
  const startedAt = performance.now();
  await Promise.all(
    plan.map(async ({ kind, atMs, forMs }) => {
      await delay(Math.max(0, startedAt + atMs - performance.now()));
      const from = Date.now();
      await inflict[kind](targets, forMs);
      targets.cluster.note({ name: kind, ambiguous: isAmbiguous(kind), from, to: Date.now() });
    }),
  );
}

/**
 * Whoever dies, freezes or is cut off between the last octet of a mail and its commit leaves it in doubt; and so does
 * a record that is away then, if its lease ends meanwhile.
 */
function isAmbiguous(kind: FaultKind): boolean {
  return ['worker killed', 'worker frozen', 'mail reset'].includes(kind) || kind.startsWith('postgres');
}

const inflict: Readonly<Record<FaultKind, (targets: Targets, forMs: number) => Promise<unknown>>> = {
  'worker killed': async ({ cluster, workers }, forMs) => {
    await workers.shift()?.end('SIGKILL');
    await delay(forMs);
    workers.push(await cluster.startWorker());
  },
  'worker frozen': async ({ workers }, forMs) => {
    const [victim] = workers;
    victim?.signal('SIGSTOP');
    await delay(forMs);
    victim?.signal('SIGCONT');
  },
  'API killed': async (targets, forMs) => {
    await targets.api.end('SIGKILL');
    await delay(Math.min(forMs, 1000));
    targets.api = await targets.cluster.startApi();
  },
  'redis killed': async ({ redis }, forMs) => {
    await redis.kill();
    await delay(forMs);
    await redis.restart();
  },
  'redis frozen': async ({ redis }, forMs) => {
    redis.freeze();
    await delay(forMs);
    redis.thaw();
  },
  'redis emptied': ({ redis }) => redis.flush(),
  'redis black hole': ({ redisProxy }, forMs) => poisoned(redisProxy, { blackHole: true }, forMs),
  'redis latency': ({ redisProxy }, forMs) => poisoned(redisProxy, { latencyMs: 200 }, forMs),
  'redis resets': async ({ redisProxy }, forMs) => {
    for (const endsAt = performance.now() + forMs; performance.now() < endsAt; await delay(200))
      redisProxy.reset();
  },
  'mail reset': async ({ mailProxy }, forMs) => {
    for (const endsAt = performance.now() + forMs; performance.now() < endsAt; await delay(300))
      mailProxy.reset();
  },
  'mail latency': ({ mailProxy }, forMs) => poisoned(mailProxy, { latencyMs: 100 }, forMs),
  'postgres killed': async ({ postgres }, forMs) => {
    await postgres?.kill();
    await delay(forMs);
    await postgres?.start();
  },
  'postgres frozen': async ({ postgres }, forMs) => {
    postgres?.freeze();
    await delay(forMs);
    postgres?.thaw();
  },
  'postgres resets': async ({ postgresProxy }, forMs) => {
    for (const endsAt = performance.now() + forMs; performance.now() < endsAt; await delay(200))
      postgresProxy?.reset();
  },
  'postgres latency': async ({ postgresProxy }, forMs) => {
    if (postgresProxy) await poisoned(postgresProxy, { latencyMs: 50 }, forMs);
  },
};

async function poisoned(proxy: ToxicProxy, toxics: Parameters<ToxicProxy['poison']>[0], forMs: number) {
  proxy.poison(toxics);
  await delay(forMs);
  proxy.heal();
}
