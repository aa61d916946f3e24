import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProviderResult } from './provider.ts';

/**
 * Puts a file into an outbox, whole or not at all: written aside, then renamed. The same name replaces the
 * same file, as a provider that recognises a second copy keeps one. The directory is made when missing.
 */
export async function putIntoOutbox(
  dir: string,
  name: string,
  content: string | Buffer,
): Promise<ProviderResult> {
  const path = join(dir, name);
  const aside = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dir, { recursive: true });
    await writeFile(aside, content);
    await rename(aside, path);
    return { outcome: 'sent', response: path };
  } catch (error) {
    await rm(aside, { force: true }).catch(() => {});
    return diskFailure(error as NodeJS.ErrnoException);
  }
}

/** Whether files can be put there. */
export async function isOutboxWritable(dir: string): Promise<boolean> {
  try {
    await mkdir(dir, { recursive: true });
    await access(dir, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

// A full or forbidden disk is no fault of the message: everything waits until it is put right.
function diskFailure({ code, message }: NodeJS.ErrnoException): ProviderResult {
  return { outcome: 'held', reason: 'provider_unavailable', code, response: message.slice(0, 500) };
}
