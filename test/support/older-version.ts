import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tempDir } from './temp-dir.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A copy of this repository as it was, which can be run. */
export interface OlderVersion {
  readonly dir: string;
  /** Of the commit, short. */
  readonly name: string;
  remove(): void;
}

/**
 * The version before the newest migration, with the packages that are installed here. Undefined where git does not
 * know of it, as in a shallow clone.
 */
export function checkOutOlderVersion(): OlderVersion | undefined {
  const added = git('log', '--diff-filter=A', '-1', '--format=%H', '--', 'packages/db/migrations/*/0*.sql');
  const commit = added && git('rev-parse', '--verify', '--quiet', `${added}^`);
  if (!commit) return undefined;
  const { path: dir, remove } = tempDir();
  execFileSync('sh', ['-c', `git archive ${commit} | tar -x -C "${dir}"`], { cwd: root });
  const packages = join(dir, 'node_modules');
  mkdirSync(packages);
  for (const name of readdirSync(join(root, 'node_modules')).filter((one) => one !== '@tidings'))
    symlinkSync(join(root, 'node_modules', name), join(packages, name));
  mkdirSync(join(packages, '@tidings'));
  for (const kind of ['apps', 'packages']) {
    for (const name of readdirSync(join(dir, kind)))
      symlinkSync(join(dir, kind, name), join(packages, '@tidings', name));
  }
  return { dir, name: commit.slice(0, 7), remove };
}

/** What git prints; empty when it fails. */
function git(...args: string[]): string {
  try {
    return execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}
