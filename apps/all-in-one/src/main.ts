import { createLog, createMetrics, exitOnSignal, parseConfig } from '@tidings/runtime';
import { startAllInOne } from './all-in-one.ts';
import { describeStart } from './describe-start.ts';

/** `npm start`: every role in one process. */
export async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const config = parseConfig(env);
  const log = createLog({ level: config.LOG_LEVEL, name: 'tidings' });
  const running = await startAllInOne({ config, log, metrics: createMetrics({ defaults: true }) });
  exitOnSignal({ log, stop: running.stop });
  console.log(describeStart(running, config));
}
