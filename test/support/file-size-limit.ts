import { execFileSync } from 'node:child_process';

/** Whether a process can be made to find its disk full: by util-linux, without any privilege. */
export const fileSizeLimitAvailable = canRun();

/**
 * Lets no file of a running process grow beyond `maxBytes` (RLIMIT_FSIZE), as on a full disk, or lifts that again.
 * A write beyond it fails in a process that ignores SIGXFSZ, as Node does.
 */
export function limitFileSize({ pid }: { pid: number }, maxBytes: number | 'unlimited'): void {
  // Only the soft limit: who is not root could not raise the hard one again.
  execFileSync('prlimit', ['--pid', `${pid}`, `--fsize=${maxBytes}:`]);
}

function canRun(): boolean {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
