import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './temp-dir.ts';

/** A filesystem of its own that can be filled to the last octet. */
export interface SmallDisk {
  readonly path: string;
  /** Writes until there is no room. */
  fill(): void;
  /** Gives back what `fill` took. */
  empty(): void;
  remove(): void;
}

/** A tmpfs of so many megabytes; undefined where mounting is not permitted. */
export function mountSmallDisk(megabytes: number): SmallDisk | undefined {
  const dir = tempDir();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', dir.path], {
      stdio: 'ignore',
    });
  } catch {
    dir.remove();
    return undefined;
  }
  const ballast = join(dir.path, 'ballast');
  return {
    path: dir.path,
    fill: () => {
      const file = openSync(ballast, 'a');
      try {
        for (const chunk = Buffer.alloc(4096); ; ) writeSync(file, chunk);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        closeSync(file);
      }
    },
    empty: () => rmSync(ballast, { force: true }),
    remove: () => {
      execFileSync('umount', ['--lazy', dir.path]);
      dir.remove();
    },
  };
}
