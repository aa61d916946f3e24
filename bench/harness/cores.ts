import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Who runs where: what is measured has a core to itself, whatever it talks to has the other. */
export type Core = 'product' | 'load';

const numberOf: Readonly<Record<Core, string>> = { product: '0', load: '1' };

/** Whether processes can be kept on a core each; without that the two sides still share the same conditions. */
export const canPin = availableParallelism() > 1 && hasTaskset();

/** What goes before a command so that it, and all that it starts, stays on that core. */
export function onCore(core: Core): string[] {
  return canPin ? ['taskset', '-c', numberOf[core]] : [];
}

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
