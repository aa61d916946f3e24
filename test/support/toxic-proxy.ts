import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What is wrong with the network. Everything is off unless named. */
export interface Toxics {
  /** Each octet arrives this much later, in each direction. Milliseconds. */
  latencyMs?: number;
  /** Nothing passes and nothing ends; what was sent arrives when it is over. New connections are taken. */
  blackHole?: boolean;
  /** Octets pass in pieces of this size, `sliceDelayMs` apart. */
  sliceBytes?: number;
  sliceDelayMs?: number;
  /** A connection is reset once so many octets have passed on it towards the target. */
  cutAfterBytes?: number;
  /** A connection is reset instead of passing what matches on to the target. */
  cutAt?: RegExp;
}

/** Passes octets on to a port of 127.0.0.1, as well as it is told to. */
export interface ToxicProxy {
  readonly port: number;
  /** From now on, for open and new connections: these toxics and no others. */
  poison(toxics: Toxics): void;
  /** No toxics any more. */
  heal(): void;
  /** RST to both ends of every open connection. Answers how many there were. */
  reset(): number;
  /** From now on nothing passes on the connections that are open, in neither direction, and nothing ends them. */
  freeze(): void;
  /** Refuses connections, and resets those that are open. */
  down(): Promise<void>;
  /** Takes connections again, on the same port. */
  up(): Promise<void>;
  stop(): Promise<void>;
}

interface Pair {
  near: Socket;
  far: Socket;
  passed: number;
}

export async function startToxicProxy(targetPort: number): Promise<ToxicProxy> {
  const pairs = new Set<Pair>();
  let toxics: Toxics = {};
  let healed = Promise.withResolvers<void>();
  healed.resolve();

  function cut(pair: Pair): void {
    pair.near.resetAndDestroy();
    pair.far.resetAndDestroy();
  }

  async function pass(pair: Pair, to: Socket, chunk: Buffer, arrivedAt: number): Promise<void> {
    await delay(Math.max(0, arrivedAt + (toxics.latencyMs ?? 0) - performance.now()));
    await healed.promise;
    const upwards = to === pair.far;
    const { cutAt, cutAfterBytes = Infinity, sliceBytes = chunk.length, sliceDelayMs = 0 } = toxics;
    if (upwards) pair.passed += chunk.length;
    const isCut = upwards && (pair.passed > cutAfterBytes || cutAt?.test(chunk.toString('latin1')));
    if (isCut) return cut(pair);
    for (let from = 0; from < chunk.length && !to.destroyed; from += sliceBytes) {
      if (from > 0) await delay(sliceDelayMs);
      to.write(chunk.subarray(from, from + sliceBytes));
    }
  }

  function carry(pair: Pair, from: Socket, to: Socket): void {
    let last: Promise<unknown> = Promise.resolve();
    from.setNoDelay(true);
    from.on('error', () => {});
    from.on('data', (chunk: Buffer) => {
      const arrivedAt = performance.now();
      last = last.then(() => pass(pair, to, chunk, arrivedAt));
    });
    from.once('close', () => {
      pairs.delete(pair);
      void last.then(() => to.destroySoon());
    });
  }

  const server = createServer((near) => {
    const pair = { near, far: connect(targetPort, '127.0.0.1'), passed: 0 };
    pairs.add(pair);
    carry(pair, near, pair.far);
    carry(pair, pair.far, near);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;

  function poison(next: Toxics): void {
    toxics = next;
    healed.resolve();
    if (next.blackHole) healed = Promise.withResolvers<void>();
  }
  function reset(): number {
    const count = pairs.size;
    for (const pair of pairs) cut(pair);
    return count;
  }
  async function down(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    reset();
    await closed;
  }
  return {
    port,
    poison,
    heal: () => poison({}),
    reset,
    freeze: () => {
      for (const { near, far } of pairs)
        for (const socket of [near, far]) socket.removeAllListeners('data').pause();
    },
    down,
    up: async () => {
      await once(server.listen(port, '127.0.0.1'), 'listening');
    },
    stop: async () => {
      poison({});
      await down();
    },
  };
}
