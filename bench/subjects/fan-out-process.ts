import { bootstrap } from '@tidings/api';
import { jobIdOf } from '@tidings/contracts';
import type { NewEvent } from '@tidings/db';
import { matches } from '@tidings/events';
import { type Foundation, openFoundation, startCopiesRelay } from '@tidings/queue';
import { createMetrics, newId, parseConfig, silentLog } from '@tidings/runtime';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { answerCommands } from '../harness/commands.ts';
import { subscribe } from './consumers.ts';

// Fan-out as it is, or what BullMQ alone makes of the same copies, in a process of its own for each round.
const log = silentLog();
const perCommit = 500;
let foundation: Foundation;
let redisUrl = '';
let events = 0;
let subscriptionIds: string[] = [];

interface Fill {
  env: Record<string, string>;
  events: number;
  consumers: number;
}

const commands = {
  /** Puts events on record, and consumers that each of them is for. */
  open: async (fill: Fill) => {
    const config = parseConfig(fill.env);
    redisUrl = fill.env.REDIS_URL ?? '';
    foundation = await openFoundation({ config, log });
    const { store } = foundation;
    const { key } = await bootstrap({ store, dataDir: config.DATA_DIR });
    const projectId = (await store.findApiKey(key.split('_')[1] ?? ''))?.projectId ?? '';
    subscriptionIds = await subscribe(store, projectId, fill.consumers);
    events = fill.events;
    for (let from = 0; from < events; from += perCommit) {
      await store.publish(Array.from({ length: perCommit }, (_, at) => eventOf(projectId, from + at)));
    }
  },
  /** Milliseconds from the first event to the last copy's job. */
  product: () =>
    fanOutAll((onRound) =>
      startCopiesRelay({
        store: foundation.store,
        engine: foundation.engine,
        log,
        metrics: createMetrics(),
        matches,
        window: events,
        onStates: onRound,
      }),
    ),
  bare: addBare,
};
export type FanOutCommands = typeof commands;

function eventOf(projectId: string, index: number): NewEvent {
  return {
    id: newId('event'),
    projectId,
    externalId: `order-${index}-created`,
    source: '',
    requestHash: 'bench',
    origin: 'application',
    type: 'order.created',
    subject: `user-${index}`,
    data: { orderId: `${index}`, total: index / 100, customer: { email: `user${index}@example.com` } },
  };
}

/** Runs the relay until every copy has a job; what the last round finds is what the rounds before it did. */
async function fanOutAll(
  start: (onRound: (states: Array<{ inQueue: number; backlog: boolean }>) => void) => {
    stop(): Promise<void>;
  },
): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const startedAt = performance.now();
  const relay = start((states) => {
    const inQueue = states.reduce((sum, one) => sum + one.inQueue, 0);
    if (inQueue >= events * subscriptionIds.length) resolve();
  });
  await promise;
  const ms = performance.now() - startedAt;
  await relay.stop();
  return ms;
}

/** The same jobs with the same names by `addBulk`, a commit's worth of each queue at a time, side by side. */
async function addBare(): Promise<number> {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queues = subscriptionIds.map((id) => new Queue(id, { connection, prefix: '{bare}' }));
  for (const queue of queues) await queue.waitUntilReady();
  const startedAt = performance.now();
  for (let from = 0; from < events; from += perCommit) {
    await Promise.all(
      queues.map((queue) =>
        queue.addBulk(
          Array.from({ length: perCommit }, () => {
            const id = newId('copy');
            return { name: 'copy', data: { v: 1, id }, opts: { jobId: jobIdOf(id, 0) } };
          }),
        ),
      ),
    );
  }
  const ms = performance.now() - startedAt;
  await Promise.all(queues.map((queue) => queue.close()));
  connection.disconnect();
  return ms;
}

answerCommands(commands);
