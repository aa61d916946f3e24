import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readText, root } from './repository.ts';
import { workflowFaults } from './workflow-faults.ts';

interface Job {
  'timeout-minutes'?: number;
  env?: Record<string, string>;
  services?: Record<string, { ports: string[] }>;
  strategy?: { matrix: { suite: string[] } };
  steps: Array<{ uses?: string; run?: string }>;
}

const path = '.github/workflows/ci.yml';
const text = readText(path);
const workflow = parse(text) as { permissions: object; jobs: Record<string, Job> };
const jobs = Object.values(workflow.jobs);
const steps = jobs.flatMap((job) => job.steps);
const commands = steps.flatMap(({ run }) => run ?? []);
const scripts = Object.keys(JSON.parse(readText('package.json')).scripts);

test('the workflow is one that GitHub accepts', () => {
  expect(workflowFaults(path, text)).toEqual([]);
  const mistaken = text.replace('timeout-minutes', 'timeout-hours');
  expect(workflowFaults(path, mistaken)).toEqual([expect.stringContaining('timeout-hours')]);
});

test('every npm script and file that it runs exists', () => {
  const suites = jobs.flatMap(({ strategy }) => strategy?.matrix.suite ?? []);
  const named = commands.flatMap((run) => /^npm (?:run )?(check|test\S*)$/.exec(run)?.[1] ?? []);
  expect(scripts).toEqual(expect.arrayContaining([...suites, ...named]));
  expect(named).toEqual(expect.arrayContaining(['check', 'test']));
  for (const file of commands.filter((run) => run.startsWith('deploy/'))) {
    accessSync(join(root, file), constants.X_OK);
  }
});

test('every variable that it sets for the suites is one that they read', () => {
  const engines = readText('test/support/engines.ts');
  const set = jobs.flatMap(({ env = {} }) => Object.keys(env));
  expect(set).toEqual(['TEST_POSTGRES_URL', 'TEST_REDIS_URL']);
  for (const name of set) expect(engines).toContain(`process.env.${name}`);
});

test('the addresses of the suites are those where its services are published', () => {
  for (const { env = {}, services = {} } of jobs) {
    const ports = Object.values(services).flatMap((service) => service.ports);
    const published = ports.map((port) => port.split(':').slice(0, 2).join(':'));
    expect(
      Object.values(env)
        .map((url) => new URL(url).host)
        .toSorted(),
    ).toEqual(published.toSorted());
  }
});

test('no job can write to the repository or run for ever, and every action has a version', () => {
  expect(workflow.permissions).toEqual({ contents: 'read' });
  for (const job of jobs) expect(job['timeout-minutes']).toBeLessThanOrEqual(30);
  for (const { uses } of steps) if (uses !== undefined) expect(uses).toMatch(/^actions\/[a-z-]+@v\d+$/);
});
