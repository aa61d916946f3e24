import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { composeText } from './compose.ts';
import { readText } from './repository.ts';

/** The schema of the Compose Specification, as a linter ships it. */
function composeSchema(): object {
  const linter = dirname(createRequire(import.meta.url).resolve('dclint/package.json'));
  const { $schema: _, ...schema } = JSON.parse(
    readFileSync(join(linter, 'schemas/compose.schema.json'), 'utf8'),
  );
  return schema;
}

const isGood = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(composeSchema());
const file = parse(composeText, { merge: true });

test('docker-compose.yml follows the Compose Specification', () => {
  isGood(file);
  expect(isGood.errors).toBeNull();
});

test('a mistake in it would be found', () => {
  expect(isGood({ ...file, services: { api: { ...file.services.api, comand: ['api'] } } })).toBe(false);
  expect(isGood({ ...file, networks: [] })).toBe(false);
});

test('what the README adds to it is a good file too', () => {
  const blocks = [...readText('README.md').matchAll(/^ *```yaml\n(.*?)^ *```$/gms)].map(
    ([, yaml = '']) => yaml,
  );
  expect(blocks).not.toEqual([]);
  for (const block of blocks) expect(isGood(parse(block)), block).toBe(true);
});
