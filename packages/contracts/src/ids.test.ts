import { expect, test } from 'vitest';
import {
  errorCatalogue,
  idempotencyKey,
  idPrefixes,
  jobIdOf,
  queueFor,
  TidingsError,
  toProblem,
} from './index.ts';

test('no two kinds of id share a prefix, so an id says what it is of', () => {
  const prefixes = Object.values(idPrefixes);
  expect(new Set(prefixes).size).toBe(prefixes.length);
});

test('a job id is one that BullMQ takes: no colon, not only digits, new with each generation', () => {
  const ids = [0, 1].map((generation) => jobIdOf('msg_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1', generation));
  for (const id of ids) expect(id).toMatch(/^msg_[^:]*$/);
  expect(new Set(ids).size).toBe(2);
});

test('critical messages have queues of their own on every channel', () => {
  expect(queueFor('email', 'critical')).not.toBe(queueFor('email', 'high'));
  expect(queueFor('email', 'high')).toBe(queueFor('email', 'bulk'));
});

test('every error has a status of 400 or more and a title, and its document leads with them', () => {
  for (const [code, { status, title }] of Object.entries(errorCatalogue)) {
    expect(status).toBeGreaterThanOrEqual(400);
    const problem = toProblem(new TidingsError(code as keyof typeof errorCatalogue), 'r');
    expect(problem).toEqual({
      type: `urn:tidings:error:${code}`,
      title,
      status,
      code,
      detail: title,
      requestId: 'r',
    });
  }
});

test.each([
  ['', false],
  ['k', true],
  ['k'.repeat(255), true],
  ['k'.repeat(256), false],
  ['a b', false],
  ['é', false],
  ['k\n', false],
])('the idempotency key %j is usable: %s', (key, usable) => {
  expect(idempotencyKey.safeParse(key).success).toBe(usable);
});
