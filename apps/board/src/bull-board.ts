import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { HonoAdapter } from '@bull-board/hono';
import { serveStatic } from '@hono/node-server/serve-static';
import { queueNames, TidingsError } from '@tidings/contracts';
import type { QueueEngine } from '@tidings/queue';
import type { Log } from '@tidings/runtime';
import { ErrorCode } from 'bullmq';
import type { Hono } from 'hono';
import { getContext } from 'hono/context-storage';
import type { Prepare } from './actions.ts';
import type { ConsumerQueue } from './consumer-queues.ts';

/** Where the board is, on whatever port. */
export const boardPath = '/board';

/** What a request to the board carries through its handlers. */
export interface BoardEnv {
  Bindings: { address: string };
  Variables: {
    requestId: string;
    /** Why an action may not be done. Bull Board would make a bare 403 or 500 of it. */
    refusal?: unknown;
  };
}

/**
 * Bull Board over every queue, those of consumers as they come and go, to be mounted at `boardPath`. Its hook runs
 * before each of its routes, whatever the path looked like that led there. What its handlers throw comes out of them.
 */
export function createBullBoardApp(options: {
  engine: QueueEngine;
  prepare: Prepare;
  consumerQueues: () => Promise<ConsumerQueue[]>;
  readOnly: boolean;
  log: Log;
}): Hono {
  const { engine, prepare, consumerQueues, readOnly, log } = options;
  // What is completed was sent, with few exceptions: no button to retry it. (Bull Board's types forget this one.)
  const look = { readOnlyMode: readOnly, allowCompletedRetries: false };
  const serverAdapter = new HonoAdapter(serveStatic).setBasePath(boardPath);
  const ours = queueNames.map((name) => new BullMQAdapter(engine.queue(name), look));
  const { replaceQueues } = createBullBoard({
    queues: ours,
    serverAdapter,
    options: {
      // Only Redis can tell who its workers are; elsewhere the page would warn that there are none.
      uiConfig: { boardTitle: 'Tidings', hideDocsLink: true, showWorkers: false },
      handlerHooks: {
        before: async ({ method, route, request }) => {
          try {
            await follow();
            await prepare({ method, route, params: request.params });
            return { allow: true };
          } catch (error) {
            getContext<BoardEnv>().set('refusal', error);
            return { allow: false };
          }
        },
      },
    },
  });

  /** Without the record the board shows the consumers that it knows. */
  async function follow(): Promise<void> {
    try {
      const theirs = await consumerQueues();
      replaceQueues([...ours, ...theirs.map(show)]);
    } catch (err) {
      log.warn({ err }, 'the queues of consumers could not be found out');
    }
  }

  /** Its list has queues by what the adapter says they are called, which would be an id; a tree, by project. */
  function show({ name, label, title }: ConsumerQueue): BullMQAdapter {
    const adapter = new BullMQAdapter(engine.queue(name), {
      ...look,
      displayName: title,
      description: name,
      delimiter: '.',
    });
    return Object.assign(adapter, { getName: () => label });
  }

  serverAdapter.setErrorHandler(passOn);
  // The adapter brings a Hono of its own, whose error handler is not the one of the app it is mounted in.
  return serverAdapter.registerPlugin().onError(passOn);
}

/** BullMQ refuses to move a job that is no longer where it was: somebody else was faster. */
function passOn(error: Error & { code?: unknown }): never {
  const hasMoved = error.code === ErrorCode.JobNotInState || error.code === ErrorCode.JobNotExist;
  throw hasMoved ? new TidingsError('job_moved', { cause: error }) : error;
}
