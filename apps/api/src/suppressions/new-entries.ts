import { randomBytes } from 'node:crypto';
import type { Suppressing } from '@tidings/db';
import { newId } from '@tidings/runtime';

/** What the record needs to put somebody on a project's list. */
export function newEntries(): Suppressing {
  return { newKey: randomBytes(32).toString('hex'), newId: () => newId('suppression') };
}
