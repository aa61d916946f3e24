import { lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Files, FolderError } from './model.ts';

/** Bytes of a file, at most: more than any source may have. */
const longestFile = 1024 * 1024;
const mostFiles = 10_000;
/** A template's files are `<key>/<locale>/<file>`. */
const deepest = 3;

/**
 * Reads a folder of templates; empty when there is none. What begins with a dot is passed over. Links are refused,
 * since they may lead anywhere.
 *
 * @throws FolderError for links, for what is too deep, too large or too much, and for what is not UTF-8.
 */
export async function readFolder(dir: string): Promise<Files> {
  const files: Files = new Map();

  async function read(names: string[]): Promise<void> {
    const entries = await readdir(join(dir, ...names), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.')) continue;
      const path = [...names, entry.name];
      const shown = path.join('/');
      if (entry.isDirectory() && path.length < deepest) await read(path);
      else if (entry.isFile()) files.set(shown, await readText(join(dir, ...path), shown));
      else throw new FolderError(`${shown}: is a link, or a folder too deep`);
      if (files.size > mostFiles) throw new FolderError(`There are more than ${mostFiles} files`);
    }
  }

  const found = await lstat(dir).catch(() => undefined);
  if (found === undefined) return files;
  if (!found.isDirectory()) throw new FolderError(`${dir} is not a folder`);
  await read([]);
  return files;
}

async function readText(path: string, shown: string): Promise<string> {
  const { size } = await lstat(path);
  if (size > longestFile) throw new FolderError(`${shown}: is larger than ${longestFile} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path));
  } catch {
    throw new FolderError(`${shown}: is not UTF-8`);
  }
}

/** Writes these files, and takes away those of `stale`. The paths must come from keys that were checked. */
export async function writeFolder(dir: string, files: Files, stale: Iterable<string>): Promise<void> {
  for (const path of stale) await rm(join(dir, ...path.split('/')));
  for (const [path, text] of files) {
    const whole = join(dir, ...path.split('/'));
    await mkdir(dirname(whole), { recursive: true });
    await writeFile(whole, text);
  }
}
