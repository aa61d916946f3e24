import type { Settled, Settlement } from '@tidings/db';
import { silentLog } from '@tidings/runtime';
import { expect, test } from 'vitest';
import { settleSurely } from './settle-surely.ts';

const settlement = { messageId: 'msg_1' } as Settlement;

test('an outcome is recorded even when the database was away at first', async () => {
  let calls = 0;
  const settle = async (): Promise<Settled> => {
    calls += 1;
    if (calls === 1) throw new Error('database is locked');
    return { status: 'sent' };
  };
  expect(await settleSurely(settle, silentLog(), settlement, { pauseMs: 1 })).toEqual({ status: 'sent' });
});

test('it gives up at last, with the database’s own error', async () => {
  const settle = () => Promise.reject(new Error('database is gone'));
  await expect(settleSurely(settle, silentLog(), settlement, { tries: 3, pauseMs: 1 })).rejects.toThrow(
    'gone',
  );
});
