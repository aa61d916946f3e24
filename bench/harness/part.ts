import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { endWithParent } from '../../test/support/end-with-parent.ts';
import type { CommandReply, Commands } from './commands.ts';
import { type Core, onCore } from './cores.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A process of the benchmark on a core of its own, which obeys commands. */
export interface Part<Known extends Commands> {
  readonly pid: number;
  /** Rejects with the error of the command, or when the process ends first. */
  ask<Name extends keyof Known & string>(
    name: Name,
    ...argument: Parameters<Known[Name]>
  ): Promise<Awaited<ReturnType<Known[Name]>>>;
  end(): Promise<void>;
}

/** Starts `file`, a path from the root of the repository, which calls `answerCommands`. */
export function startPart<Known extends Commands>(options: {
  core: Core;
  file: string;
  nodeArgs?: string[];
}): Part<Known> {
  const { core, file, nodeArgs = [] } = options;
  const [program = '', ...args] = [...onCore(core), process.execPath, ...nodeArgs, file];
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let calls = 0;
  child.on('message', ({ call, value, error }: CommandReply) => {
    const one = waiting.get(call);
    waiting.delete(call);
    if (error === undefined) one?.resolve(value);
    else one?.reject(new Error(`${file}: ${error}`));
  });
  const exited = once(child, 'exit').then(([code, signal]) => {
    for (const one of waiting.values()) one.reject(new Error(`${file} ended: ${code ?? signal}`));
    waiting.clear();
  });
  const forget = endWithParent(() => child.kill('SIGKILL'));
  void exited.then(forget);

  return {
    pid: child.pid ?? -1,
    ask: (name, ...[argument]) => {
      calls += 1;
      const one = Promise.withResolvers<unknown>();
      waiting.set(calls, one);
      child.send({ call: calls, name, argument });
      return one.promise as never;
    },
    end: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}
