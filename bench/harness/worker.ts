import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Child, startProgram } from '../../test/support/child.ts';
import { onCore } from './cores.ts';

/** A role that is not ready by then will not be. */
const readyMs = 60_000;

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a role as its npm script does, on the core of the product. `profileDir` has V8 write a profile there at its end. */
export function startRole(options: {
  role: 'workers' | 'start';
  env: Record<string, string>;
  profileDir?: string;
}): Child {
  const { role, env, profileDir } = options;
  const { REDIS_URL: _queue, DATABASE_URL: _record, ...inherited } = process.env;
  const profiling =
    profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`, '--cpu-prof-interval=250'];
  return startProgram([...onCore('product'), process.execPath, ...profiling, ...scriptOf(role)], {
    cwd: root,
    env: { ...inherited, LOG_LEVEL: 'info', PORT: '0', WORKERS_PORT: '0', ...env },
  });
}

/** What the npm script gives to `node`. */
function scriptOf(role: string): string[] {
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const [, ...args] = scripts[role].split(' ');
  return args;
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
