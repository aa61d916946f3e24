import { createTidings, type Tidings } from '@tidings/client';
import { type Config, createMetrics, parseConfig, silentLog } from '@tidings/runtime';
import type { WorkerTuning } from '@tidings/workers';
import { startAllInOne } from '../../apps/all-in-one/src/all-in-one.ts';
import { enginesOf } from './engines.ts';
import { quick } from './quick.ts';
import { until } from './until.ts';

/** A whole Tidings in this process, and the typed client to it. */
export interface TestTidings {
  url: string;
  apiKey: string;
  tidings: Tidings;
  dataDir: string;
  stop(): Promise<void>;
}

/** Starts everything on port 0, on the engines that the suites run on. */
export async function startTidings(options: {
  dataDir: string;
  env?: Partial<Record<keyof Config, string>>;
  tuning?: WorkerTuning;
}): Promise<TestTidings> {
  const { dataDir, env = {}, tuning = quick } = options;
  const engines = await enginesOf(dataDir);
  const config = parseConfig({ DATA_DIR: dataDir, PORT: '0', ...engines, ...env });
  const running = await startAllInOne({ config, log: silentLog(), metrics: createMetrics(), tuning });
  const apiKey = running.apiKey.key;
  return {
    url: running.url,
    apiKey,
    tidings: createTidings({ url: running.url, apiKey }),
    dataDir,
    stop: running.stop,
  };
}

/** Resolves with the message once it has ended, and rejects when that takes longer than `timeoutMs`. */
export async function ended(tidings: Tidings, id: string, timeoutMs = 20_000) {
  return until(
    () => tidings.messages.get.query({ id }),
    (message) => message.endedAt !== null,
    timeoutMs,
  );
}
