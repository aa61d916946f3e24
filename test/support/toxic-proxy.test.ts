import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startToxicProxy, type ToxicProxy } from './toxic-proxy.ts';
import { until } from './until.ts';

let echo: Server;
let proxy: ToxicProxy;
const clients: Socket[] = [];

beforeEach(async () => {
  echo = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  await once(echo.listen(0, '127.0.0.1'), 'listening');
  proxy = await startToxicProxy((echo.address() as AddressInfo).port);
});
afterEach(async () => {
  for (const socket of clients.splice(0)) socket.destroy();
  await proxy.stop();
  echo.close();
});

/** A connection, what came back on it, and how it ended. */
function open() {
  const socket = connect(proxy.port, '127.0.0.1');
  clients.push(socket);
  const seen = { text: '', pieces: 0, end: '' };
  socket.on('data', (chunk) => {
    seen.text += chunk;
    seen.pieces += 1;
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    seen.end = error.code ?? 'error';
  });
  return { socket, seen };
}
const saw = (seen: { text: string }, text: string) =>
  until(
    () => seen.text,
    (now) => now === text,
    5000,
  );
const ended = (seen: { end: string }) =>
  until(
    () => seen.end,
    (end) => end !== '',
    5000,
  );

test('it passes octets on, later where there is latency, in pieces where it slices', async () => {
  const { socket, seen } = open();
  socket.write('one');
  await saw(seen, 'one');
  proxy.poison({ latencyMs: 150 });
  const sentAt = performance.now();
  socket.write('two');
  await saw(seen, 'onetwo');
  expect(performance.now() - sentAt).toBeGreaterThan(290);
  proxy.poison({ sliceBytes: 1, sliceDelayMs: 5 });
  const before = seen.pieces;
  socket.write('three');
  await saw(seen, 'onetwothree');
  expect(seen.pieces - before).toBeGreaterThan(2);
});

test('a black hole keeps everything, on new connections too, until it heals', async () => {
  const old = open();
  old.socket.write('a');
  await saw(old.seen, 'a');
  proxy.poison({ blackHole: true });
  const fresh = open();
  await once(fresh.socket, 'connect');
  old.socket.write('b');
  fresh.socket.write('c');
  proxy.heal();
  await Promise.all([saw(old.seen, 'ab'), saw(fresh.seen, 'c')]);
});

test('it cuts after so many octets, and at a command, which does not pass', async () => {
  const counted = open();
  proxy.poison({ cutAfterBytes: 5 });
  counted.socket.write('1234');
  await saw(counted.seen, '1234');
  counted.socket.write('56');
  expect(await ended(counted.seen)).toBe('ECONNRESET');
  const matched = open();
  proxy.poison({ cutAt: /EVALSHA/ });
  matched.socket.write('PING');
  await saw(matched.seen, 'PING');
  matched.socket.write('EVALSHA 1');
  expect(await ended(matched.seen)).toBe('ECONNRESET');
});

test('it resets what is open, refuses while it is down, and is up again on its port', async () => {
  const first = open();
  first.socket.write('a');
  await saw(first.seen, 'a');
  expect(proxy.reset()).toBe(1);
  expect(await ended(first.seen)).toBe('ECONNRESET');
  await proxy.down();
  expect(await ended(open().seen)).toBe('ECONNREFUSED');
  await proxy.up();
  const again = open();
  again.socket.write('b');
  await saw(again.seen, 'b');
});
