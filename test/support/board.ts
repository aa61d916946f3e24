import { type Board, createBoard } from '@tidings/board';
import { createStore, type Database, openDatabase, type Store } from '@tidings/db';
import { chooseEngine, type QueueEngine } from '@tidings/queue';
import { createMetrics, silentLog } from '@tidings/runtime';
import { type Answer, answerOf } from './api.ts';
import { tempDir } from './temp-dir.ts';

/** The login of every board in the tests. Not ASCII on purpose. */
export const admin = { email: 'ops@example.com', password: 'correct hörse', source: 'environment' as const };

/** An `Authorization` header of HTTP Basic. */
export function basic(email: string, password: string): string {
  return `Basic ${Buffer.from(`${email}:${password}`).toString('base64')}`;
}

/** Calls a board with the right login, unless `headers` say otherwise. */
export async function callBoard(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const authorization = basic(admin.email, admin.password);
  return answerOf(
    await fetch(new URL(path, url), { method, redirect: 'manual', headers: { authorization, ...headers } }),
  );
}

/** A board apart, on a record of its own and a queue that nobody works on. */
export interface TestBoard {
  board: Board;
  url: string;
  engine: QueueEngine;
  store: Store;
  database: Database;
  call(method: string, path: string, headers?: Record<string, string>): Promise<Answer>;
  close(): Promise<void>;
}

/** Opens one on port 0. `redisUrl` may be `embedded`. */
export async function openTestBoard(options: { redisUrl: string; readOnly?: boolean }): Promise<TestBoard> {
  const { redisUrl, readOnly = false } = options;
  const dir = tempDir();
  const log = silentLog();
  const database = await openDatabase({ DATA_DIR: dir.path });
  const store = createStore(database);
  const engine = await chooseEngine({ config: { REDIS_URL: redisUrl, DATA_DIR: dir.path }, log });
  const config = { HOST: '127.0.0.1', BOARD_PORT: 0, BOARD_READ_ONLY: readOnly };
  const board = createBoard({ engine, store, admin, config, log, metrics: createMetrics() });
  const { url } = await board.start();
  return {
    board,
    url,
    engine,
    store,
    database,
    call: (method, path, headers) => callBoard(url, method, path, headers),
    close: async () => {
      await board.stop();
      await engine.close();
      await database.close();
      dir.remove();
    },
  };
}
