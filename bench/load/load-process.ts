import { answerCommands } from '../harness/commands.ts';
import { percentile } from '../harness/rounds.ts';
import type { Call } from './calls.ts';
import { type HttpConnection, type HttpReply, openHttpConnection } from './http-connection.ts';
import { createRequests } from './requests.ts';

/** Whom to ask for what. */
export interface Load {
  port: number;
  apiKey: string;
  call: Call;
  connections: number;
  ms: number;
  withKeys?: boolean;
  stamp?: boolean;
  lane?: string;
}

/** What a load measured: answers that were good, in how long, and how long each took. */
export interface Loaded {
  answers: number;
  ms: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** As many requests as there are connections are always under way. */
async function closedLoop(load: Load): Promise<Loaded> {
  const { connections, ms } = load;
  const requests = createRequests(load);
  const opened = await openAll(load);
  const took: number[] = [];
  const startedAt = performance.now();
  await new Promise<void>((resolve, reject) => {
    let busy = connections;
    const goOn = (connection: HttpConnection) => {
      const at = performance.now();
      if (at - startedAt >= ms) {
        busy -= 1;
        if (busy === 0) resolve();
        return;
      }
      connection.request(requests.next(), (reply) => {
        if (!isGood(reply)) return reject(new Error(`${reply.status}: ${reply.body.slice(0, 500)}`));
        took.push(performance.now() - at);
        goOn(connection);
      });
    };
    for (const connection of opened) goOn(connection);
  }).finally(() => {
    for (const connection of opened) connection.end();
  });
  return summary(took, performance.now() - startedAt);
}

/**
 * Requests at their times, whether or not earlier ones are answered; each is timed from when it was due, so that a
 * server that stalls is not asked less for it.
 */
async function openLoop(load: Load & { perSecond: number }): Promise<Loaded> {
  const { ms, perSecond } = load;
  const requests = createRequests(load);
  const opened = await openAll(load);
  const free = [...opened];
  const due: number[] = [];
  const took: number[] = [];
  const total = Math.round((ms / 1000) * perSecond);
  const startedAt = performance.now();
  let asked = 0;
  await new Promise<void>((resolve, reject) => {
    const send = () => {
      while (due.length > 0) {
        // The one that has waited longest: left idle for some seconds, a server closes it.
        const connection = free.shift();
        if (connection === undefined) return;
        const dueAt = due.shift() ?? 0;
        connection.request(requests.next(dueAt), (reply) => {
          if (!isGood(reply)) return reject(new Error(`${reply.status}: ${reply.body.slice(0, 500)}`));
          took.push(performance.now() - dueAt);
          free.push(connection);
          if (took.length === total) resolve();
          else send();
        });
      }
    };
    const tick = () => {
      const elapsed = performance.now() - startedAt;
      const shouldBe = Math.min(total, Math.floor((elapsed / 1000) * perSecond) + 1);
      for (; asked < shouldBe; asked += 1) due.push(startedAt + (asked / perSecond) * 1000);
      send();
      if (asked < total) setTimeout(tick, 1);
    };
    tick();
  }).finally(() => {
    for (const connection of opened) connection.end();
  });
  return summary(took, performance.now() - startedAt);
}

/** One request, for its answer. */
async function once(load: Omit<Load, 'connections' | 'ms'>): Promise<string> {
  const connection = await openHttpConnection(load.port);
  const reply = await new Promise<HttpReply>((resolve) =>
    connection.request(createRequests(load).next(), resolve),
  );
  connection.end();
  return reply.body;
}

function openAll({ port, connections }: Load): Promise<HttpConnection[]> {
  return Promise.all(Array.from({ length: connections }, () => openHttpConnection(port)));
}

function isGood({ status }: HttpReply): boolean {
  return status === 200 || status === 202;
}

function summary(took: number[], ms: number): Loaded {
  const sorted = took.toSorted((one, other) => one - other);
  return {
    answers: took.length,
    ms,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: sorted.at(-1) ?? Number.NaN,
  };
}

const commands = { closedLoop, openLoop, once };
export type LoadCommands = typeof commands;

answerCommands(commands);
