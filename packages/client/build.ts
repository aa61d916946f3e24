import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

// Makes dist/, a package of its own for `npm publish ./packages/client/dist`: the client's JavaScript, its
// types, and the types of the contracts beside them, since the workspaces are not published.

const here = import.meta.dirname;
const dist = join(here, 'dist');
const compiled = join(dist, 'compiled');

rmSync(dist, { recursive: true, force: true });
compile();
copy({ from: join(compiled, 'client/src'), to: dist, endings: ['.js', '.d.ts'] });
copy({ from: join(compiled, 'contracts/src'), to: join(dist, 'contracts'), endings: ['.d.ts'] });
rmSync(compiled, { recursive: true });
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(published(), null, 2)}\n`);
cpSync(join(here, '../../LICENSE'), join(dist, 'LICENSE'));
cpSync(join(here, 'README.md'), join(dist, 'README.md'));

function compile(): void {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const tsc = join(typescript, 'bin/tsc');
  execFileSync(process.execPath, [tsc, '--project', join(here, 'tsconfig.build.json')], { stdio: 'inherit' });
}

/**
 * Copies the files with these endings; the contracts are found beside the client from then on. In types tsc
 * leaves the `.ts` of relative imports as it is.
 */
function copy({ from, to, endings }: { from: string; to: string; endings: string[] }): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from).filter((file) => endings.some((ending) => file.endsWith(ending)))) {
    const text = readFileSync(join(from, name), 'utf8')
      .replaceAll("'@tidings/contracts'", "'./contracts/index.js'")
      .replaceAll(/(['"])(\.\/[\w-]+)\.ts\1/g, '$1$2.js$1');
    writeFileSync(join(to, name), text);
  }
}

/** The package as it is published: no workspace, no script, the built files as its entry. */
function published() {
  const {
    private: _,
    scripts,
    devDependencies,
    exports,
    ...rest
  } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
  return { ...rest, exports: { '.': { types: './index.d.ts', default: './index.js' } }, sideEffects: false };
}
