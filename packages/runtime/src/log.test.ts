import { expect, test } from 'vitest';
import { describeError } from './log.ts';

test('an error is told without the values of the statement it quotes', () => {
  const error = new Error('Failed query: insert into "messages" …\nparams: ada@example.com,secret');
  expect(JSON.stringify(describeError(error))).toContain('Failed query');
  expect(JSON.stringify(describeError(error))).not.toMatch(/ada@|secret/);
});
