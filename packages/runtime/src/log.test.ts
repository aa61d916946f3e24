import { expect, test } from 'vitest';
import { describeError } from './log.ts';

test('an error is told without the values of the statement it quotes', () => {
  const error = new Error('Failed query: insert into "messages" …\nparams: Ada\nL.,ada@example.com,secret');
  expect(JSON.stringify(describeError(error))).toContain('Failed query');
  expect(describeError(error).stack).toMatch(/\n {4}at /);
  expect(JSON.stringify(describeError(error))).not.toMatch(/Ada|L\.|ada@|secret/);
});

test('what caused an error is told in short', () => {
  const cause = Object.assign(new Error('no such table: messages'), { code: 'SQLITE_ERROR' });
  const told = describeError(new Error('Failed query: select 1', { cause }));
  expect(told.cause).toEqual({ name: 'Error', message: 'no such table: messages', code: 'SQLITE_ERROR' });
});
