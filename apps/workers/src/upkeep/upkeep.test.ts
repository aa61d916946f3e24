import { createStore } from '@tidings/db';
import { silentLog } from '@tidings/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRecord, type TestRecord } from '../../../../test/support/record.ts';
import { tempDir } from '../../../../test/support/temp-dir.ts';
import { until } from '../../../../test/support/until.ts';
import { startUpkeep } from './upkeep.ts';

let dir: ReturnType<typeof tempDir>;
let record: TestRecord;
beforeEach(async () => {
  dir = tempDir();
  record = await openRecord(dir.path);
});
afterEach(async () => {
  await record.database.close();
  dir.remove();
});

const dayMs = 86_400_000;

test('sessions that ended a month ago are removed, more than one batch of them, and others are left', async () => {
  await record.query(
    `INSERT INTO accounts (id, email, role, password_hash, created_at, updated_at) VALUES ('a', 'a', 'owner', 'x', 0, 0)`,
  );
  const insert = (id: string, expiresAt: number) => `('${id}', 'a', 'x', 0, 0, ${expiresAt}, '')`;
  const old = Array.from({ length: 1200 }, (_, index) => insert(`old-${index}`, Date.now() - 31 * dayMs));
  const kept = [insert('ended', Date.now() - 29 * dayMs), insert('live', Date.now() + dayMs)];
  await record.query(
    `INSERT INTO sessions (id, account_id, refresh_hash, refreshed_at, created_at, expires_at, address) VALUES ${[...old, ...kept].join(', ')}`,
  );
  const upkeep = startUpkeep({
    store: createStore(record.database),
    log: silentLog(),
    times: { pauseMs: 1 },
  });
  const left = await until(
    () => record.query('SELECT id FROM sessions ORDER BY id'),
    (rows) => rows.length <= 2,
  );
  await Promise.all(upkeep.map((part) => part.stop()));
  expect(left).toEqual([{ id: 'ended' }, { id: 'live' }]);
});
