import { expect, test } from 'vitest';
import { type Log, refuseUnsafe, silentLog, UnsafeSettingsError } from './index.ts';

const faulty = (...faults: string[]) => ({ settingFaults: async () => faults });
const away = { settingFaults: () => Promise.reject(new Error('away')) };

/** A log that keeps what it is warned of. */
function keepingLog(): { log: Log; warnings: object[] } {
  const warnings: object[] = [];
  const log = silentLog();
  log.warn = ((entry: object) => void warnings.push(entry)) as Log['warn'];
  return { log, warnings };
}

test('in production every fault of every part is named, and nothing starts', async () => {
  const parts = { database: faulty('fsync is off', 'it is a standby'), queue: faulty('keys are evicted') };
  const error = await refuseUnsafe({ nodeEnv: 'production', log: silentLog(), parts }).catch((e) => e);
  expect(error).toBeInstanceOf(UnsafeSettingsError);
  for (const fault of ['fsync is off', 'it is a standby', 'keys are evicted']) {
    expect(error.message).toContain(fault);
  }
});

test('elsewhere they are only told', async () => {
  const { log, warnings } = keepingLog();
  await refuseUnsafe({ nodeEnv: 'development', log, parts: { database: faulty('fsync is off') } });
  expect(warnings).toEqual([{ fault: 'fsync is off' }]);
});

test('safe settings are no news', async () => {
  const { log, warnings } = keepingLog();
  await refuseUnsafe({ nodeEnv: 'production', log, parts: { database: faulty(), queue: faulty() } });
  expect(warnings).toEqual([]);
});

test('a part that is away neither keeps anything from starting nor hides the faults of others', async () => {
  const { log, warnings } = keepingLog();
  await refuseUnsafe({ nodeEnv: 'production', log, parts: { queue: away } });
  expect(warnings).toMatchObject([{ part: 'queue' }]);
  const parts = { queue: away, database: faulty('fsync is off') };
  await expect(refuseUnsafe({ nodeEnv: 'production', log, parts })).rejects.toThrow('fsync is off');
});
