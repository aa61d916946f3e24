import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { endWithParent } from './end-with-parent.ts';
import type { User } from './unprivileged.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A process of ours that a test may kill. */
export interface Child {
  readonly pid: number;
  /** Everything it has printed. */
  output(): string;
  /** Resolves with the first match of `pattern` in its output; rejects when it ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code when the process is gone; null when a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Sends the signal and resolves with the exit code when the process is gone. */
  end(name?: NodeJS.Signals): Promise<number | null>;
}

/** Runs `node <args>` in the repository, with `env` on top of the environment without our own variables. */
export function startChild(args: string[], env: Record<string, string>): Child {
  const { REDIS_URL: _queue, DATABASE_URL: _record, ...inherited } = process.env;
  return startProgram([process.execPath, ...args], { cwd: root, env: { ...inherited, ...env } });
}

/** Runs a program with this environment and no other, as somebody else where `user` says so. */
export function startProgram(
  [program = '', ...args]: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; user?: User },
): Child {
  const { cwd, env, user } = options;
  const child: ChildProcess = spawn(program, args, { cwd, env, ...user, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const waiters = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk;
      for (const wake of waiters) wake();
    });
  }
  const exited = once(child, 'exit').then(([code]) => {
    for (const wake of waiters) wake();
    return code as number | null;
  });
  const forget = endWithParent(() => child.kill('SIGKILL'));
  void exited.then(forget);

  return {
    pid: child.pid ?? -1,
    output: () => output,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const match = pattern.exec(output);
          const gone = child.exitCode !== null || child.signalCode !== null;
          if (match === null && !gone) return;
          waiters.delete(check);
          if (match !== null) resolve(match);
          else reject(new Error(`it ended before it printed ${pattern}:\n${output}`));
        };
        waiters.add(check);
        check();
      }),
    signal: (name) => void child.kill(name),
    exited,
    end: (name = 'SIGKILL') => {
      child.kill(name);
      return exited;
    },
  };
}
