import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where the repository is. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The text of a file of the repository. */
export function readText(path: string): string {
  return readFileSync(new URL(path, new URL('../../', import.meta.url)), 'utf8');
}
