import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Whether the figures of a process can be read here: Linux keeps them in /proc. */
export const figuresAvailable = existsSync('/proc/self/status');

/** Memory of a process that is not swapped out, in octets. */
export function residentBytes({ pid }: { pid: number }): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

/** Files, sockets and pipes that a process has open. */
export function openDescriptors({ pid }: { pid: number }): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
