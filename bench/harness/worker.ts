import { fileURLToPath } from 'node:url';
import { type Child, startProgram } from '../../test/support/child.ts';
import { onCore } from './cores.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a role as it is shipped, on the core of the product. `profileDir` has V8 write a profile there at its end. */
export function startRole(options: {
  role: 'workers' | 'start';
  env: Record<string, string>;
  profileDir?: string;
}): Child {
  const { role, env, profileDir } = options;
  const { REDIS_URL: _queue, DATABASE_URL: _record, ...inherited } = process.env;
  const profiling =
    profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`, '--cpu-prof-interval=250'];
  return startProgram([...onCore('product'), process.execPath, ...profiling, 'tidings.mjs', role], {
    cwd: root,
    env: { ...inherited, LOG_LEVEL: 'warn', PORT: '0', WORKERS_PORT: '0', ...env },
  });
}
