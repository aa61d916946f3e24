import { openDatabase } from '@tidings/db';
import type { WorkerTuning } from '@tidings/workers';
import { expect } from 'vitest';
import { type Child, startChild } from '../support/child.ts';
import { type EngineVariables, enginesOf, enginesOfTests } from '../support/engines.ts';
import type { FcmSink } from '../support/fcm-sink.ts';
import { quick } from '../support/quick.ts';
import { redisAvailable, startRedis } from '../support/redis-server.ts';
import type { ReceivedMail } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { checkInvariants } from './check-invariants.ts';
import type { Fault, History, Sighting } from './history.ts';
import { copiesOf, pushCopiesOf, readProgress, readRecord } from './read-history.ts';
import { createRecordingClient, type RecordingClient } from './recording-client.ts';

const apiKey = 'tk_0123456789ab_0123456789abcdef0123456789abcdef';
const ready = /"msg":"ready"/;

/** How a process is started: the moment at which it is killed, its waits, what it loads first. */
export interface ProcessOptions {
  failpoint?: string;
  tuning?: WorkerTuning;
  env?: Record<string, string>;
  /** Arguments of node before the program. */
  nodeArgs?: string[];
}

/** An API and workers in processes of their own on one record and one queue, with all they did written down. */
export interface Cluster {
  readonly client: RecordingClient;
  readonly faults: Fault[];
  readonly env: Record<string, string>;
  /** Whether API and workers share a queue; if not, messages wait in SQL for the only worker's relay. */
  readonly sharesQueue: boolean;
  startApi(options?: ProcessOptions): Promise<Child>;
  startWorker(options?: ProcessOptions): Promise<Child>;
  /** Notes a fault that has just happened, or began at `from`. */
  note(fault: Pick<Fault, 'name' | 'ambiguous'> & Partial<Fault>): void;
  /** Reads the record. */
  record(): Promise<History['record']>;
  /** Waits for the end of all messages, then holds the run to the invariants. Answers the history. */
  expectInvariants(options?: {
    timeoutMs?: number;
    drain?: History['drain'];
    /** What else the checker is to know, asked for when all messages have ended. */
    also?: () => Promise<Partial<History>>;
  }): Promise<History>;
  stop(): Promise<void>;
}

/**
 * `received` is the log of the sink at `smtpUrl`; pushes go to `fcm`, through a proxy in front of it when there is
 * an `fcmUrl`. `redisUrl` and `databaseUrl` stand in for those of the engines, and the test reads the record at
 * `recordUrl` when the processes go through a proxy; `shared` has a Redis started where workers would have queues
 * of their own.
 */
export async function openCluster(options: {
  smtpUrl?: string;
  received?: ReceivedMail[];
  fcm?: FcmSink;
  fcmUrl?: string;
  redisUrl?: string;
  databaseUrl?: string;
  recordUrl?: string;
  shared?: boolean;
  env?: Record<string, string>;
  /** How long the client waits for an answer. */
  answerWithinMs?: number;
}): Promise<Cluster> {
  const { smtpUrl = '', received = [], fcm, fcmUrl = fcm?.url ?? '', env: more } = options;
  const dir = tempDir();
  const ends: Array<() => Promise<unknown> | unknown> = [dir.remove];
  const engines = await sharedEngines(dir.path, ends, options);
  const { recordUrl = engines.DATABASE_URL } = options;
  const env = {
    DATA_DIR: dir.path,
    PORT: '0',
    WORKERS_PORT: '0',
    TIDINGS_API_KEY: apiKey,
    SMTP_URL: smtpUrl,
    EMAIL_FROM: 'hello@tidings.example',
    ...(fcm && {
      FCM_SERVICE_ACCOUNT: JSON.stringify(fcm.account),
      FCM_BASE_URL: fcmUrl,
      FCM_TOKEN_URL: fcm.tokens.url,
    }),
    ...engines,
    ...more,
  };
  const database = await openDatabase({
    DATA_DIR: dir.path,
    ...(recordUrl && { DATABASE_URL: recordUrl }),
  });
  ends.push(database.close);
  let apiUrl: string | undefined;
  const faults: Fault[] = [];
  const sightings: Sighting[] = [];
  const client = createRecordingClient({
    urlOf: () => apiUrl,
    apiKey,
    answerWithinMs: options.answerWithinMs,
  });

  async function start(program: string, { failpoint = '', tuning = {}, ...rest }: ProcessOptions) {
    const child = startChild([...(rest.nodeArgs ?? []), program], {
      ...env,
      TIDINGS_FAILPOINT: failpoint,
      TEST_TUNING: JSON.stringify(tuning),
      ...rest.env,
    });
    ends.push(() => child.end());
    await child.printed(ready);
    return child;
  }

  async function record() {
    const found = await readRecord(database);
    sightings.push(...found.messages.map(({ id, status }) => ({ messageId: id, status })));
    return found;
  }

  return {
    client,
    faults,
    env,
    sharesQueue: engines.REDIS_URL !== 'embedded',
    startApi: async (how = {}) => {
      const child = await start('test/support/api-process.ts', how);
      [, apiUrl] = await child.printed(/"url":"(http:[^"]+)"/);
      return child;
    },
    startWorker: (how = {}) => start('test/support/worker-process.ts', how),
    note: (fault) => void faults.push({ from: Date.now(), to: Date.now(), ...fault }),
    record,
    expectInvariants: async ({ timeoutMs = 90_000, drain, also } = {}) => {
      const asked = client.requests.length > 0;
      // The sink and the proxies live in this process: what asks again and again must be cheap.
      await until(
        () => readProgress(database),
        ({ stored, open }) => open === 0 && (stored > 0 || !asked),
        timeoutMs,
      );
      // A worker that still has something in hand would add to what is read.
      await until(
        () => readProgress(database),
        ({ openAttempts }) => openAttempts === 0,
        10_000,
      ).catch(() => {});
      const maxFailures = quick.policy?.maxFailures ?? 0;
      const history: History = {
        record: await record(),
        copies: [...copiesOf(received), ...pushCopiesOf(fcm?.requests ?? [])],
        requests: client.requests,
        faults,
        sightings,
        maxFailures,
        drain,
        ...(await also?.()),
      };
      expect(checkInvariants(history)).toEqual([]);
      return history;
    },
    stop: async () => {
      for (const end of ends.splice(0).reverse()) await end();
    },
  };
}

/** The engines of the suites, with a Redis that processes can share where there would be a private one. */
async function sharedEngines(
  dataDir: string,
  ends: Array<() => Promise<unknown> | unknown>,
  options: { redisUrl?: string; databaseUrl?: string; shared?: boolean },
): Promise<EngineVariables> {
  const { redisUrl, databaseUrl, shared = false } = options;
  const usual = await enginesOf(dataDir);
  const engines = databaseUrl === undefined ? usual : { ...usual, DATABASE_URL: databaseUrl };
  if (redisUrl !== undefined) return { ...engines, REDIS_URL: redisUrl };
  const hasOwn = enginesOfTests === 'redis+sqlite' || (shared && enginesOfTests === 'pglite+sqlite');
  if (!hasOwn || !redisAvailable) return engines;
  const redis = await startRedis();
  ends.push(redis.stop);
  return { ...engines, REDIS_URL: redis.url };
}
