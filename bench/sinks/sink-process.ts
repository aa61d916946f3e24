import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { answerCommands } from '../harness/commands.ts';
import { createArrivals } from './arrivals.ts';
import { listenForFcm } from './fcm-sink.ts';
import { listenForHttp } from './http-sink.ts';
import { listenForSmtp, type SmtpSinkOptions } from './smtp-sink.ts';

const arrivals = createArrivals();

const commands = {
  smtp: (options: Partial<SmtpSinkOptions> = {}) =>
    listen(listenForSmtp({ pipelining: false, delayMs: 0, stamps: false, ...options }, arrivals)),
  fcm: () => listen(listenForFcm(arrivals)),
  http: () => listen(listenForHttp(arrivals)),
  reset: (mark?: number) => arrivals.reset(mark),
  arrived: () => arrivals.sum(),
};
export type SinkCommands = typeof commands;

/** Answers the port. */
async function listen(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

answerCommands(commands);
