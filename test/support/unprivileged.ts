import { execFileSync } from 'node:child_process';

/** Whom a child process runs as; nobody named means whoever we are. */
export interface User {
  uid?: number;
  gid?: number;
}

/** Whom to run what must not be root as: nobody when we are root, else whoever we are. */
export function unprivileged(): User {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
