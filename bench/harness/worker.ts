import { fileURLToPath } from 'node:url';
import { type Child, startProgram } from '../../test/support/child.ts';
import { onCore } from './cores.ts';

/** A role that is not ready by then will not be. */
const readyMs = 60_000;

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
    env: { ...inherited, LOG_LEVEL: 'info', PORT: '0', WORKERS_PORT: '0', ...env },
  });
}

/** Resolves with what `pattern` finds in its output; rejects when it says no such thing in a minute. */
export async function said(role: Child, pattern: RegExp): Promise<RegExpExecArray> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`it did not print ${pattern}:\n${role.output()}`)),
    readyMs,
  );
  return Promise.race([role.printed(pattern), late]).finally(() => clearTimeout(timer));
}
