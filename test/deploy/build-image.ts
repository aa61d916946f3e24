import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  constants,
  copyFileSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { type ImageSettings, inheritedBy, readSettings, readStages } from './dockerfile.ts';
import { readIgnore } from './dockerignore.ts';
import { readText, root } from './repository.ts';

/** What a container of the image would find, as a directory of this machine. */
export interface BuiltImage extends ImageSettings {
  /** The working directory, read-only for everybody. */
  dir: string;
  /** The directory with its `node`: that of this process. */
  bin: string;
  /** Every file with the time of its last change, to see later that nothing was written. */
  files(): Map<string, number>;
  remove(): void;
}

/**
 * Does what the Dockerfile says without Docker: each stage is a directory, COPY copies what .dockerignore lets
 * through, and `npm ci` runs as it stands there. Any other RUN needs the base image's system and is left out.
 */
export function buildImage(): BuiltImage {
  const temp = mkdtempSync(join(tmpdir(), 'tidings-image-'));
  // Whoever runs it must be able to reach it.
  chmodSync(temp, 0o755);
  const stages = readStages();
  const rootOf = (stage: string) => join(temp, stage);
  for (const { name } of stages) {
    let workdir = '/';
    for (const { keyword, text, flags, args } of inheritedBy(stages, name)) {
      if (keyword === 'WORKDIR') workdir = resolve(workdir, text);
      const cwd = join(rootOf(name), workdir);
      mkdirSync(cwd, { recursive: true });
      if (keyword === 'COPY') copy({ args, cwd, from: flags.from && rootOf(flags.from) });
      if (keyword === 'RUN' && text.startsWith('npm ')) run(text, cwd);
    }
  }
  const bin = join(temp, 'bin');
  mkdirSync(bin);
  copyFileSync(process.execPath, join(bin, 'node'), constants.COPYFILE_FICLONE);
  chmodSync(join(bin, 'node'), 0o755);
  const dir = join(rootOf('image'), '/app');
  execFileSync('chmod', ['-R', 'a-w,a+rX', dir]);
  return {
    ...readSettings(stages),
    dir,
    bin,
    files: () => filesIn(dir),
    remove: () => {
      execFileSync('chmod', ['-R', 'u+w', temp]);
      rmSync(temp, { recursive: true });
    },
  };
}

/** COPY: of a directory its content, of a file the file; into the target when that ends in a slash. */
function copy(options: { args: string[]; cwd: string; from?: string }): void {
  const { args, cwd, from } = options;
  const target = args.at(-1) ?? '';
  const isLeftOut = from === undefined ? readIgnore(readText('.dockerignore')) : () => false;
  for (const source of args.slice(0, -1)) {
    const path = join(from ?? root, source);
    const isInto = target.endsWith('/') && !lstatSync(path).isDirectory();
    cpSync(path, join(cwd, target, isInto ? basename(source) : ''), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (one) => !isLeftOut(relative(root, one)),
    });
  }
}

function run(command: string, cwd: string): void {
  // Whoever runs the tests has just installed: what npm has kept of that spares the network.
  execFileSync('sh', ['-c', command], {
    cwd,
    env: { ...process.env, npm_config_prefer_offline: 'true' },
    stdio: 'pipe',
  });
}

function filesIn(dir: string): Map<string, number> {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name));
  return new Map(paths.map((path) => [relative(dir, path), lstatSync(path).mtimeMs]));
}
