import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStore, type Database, openDatabase } from '@tidings/db';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAuthenticate } from './auth/authenticate.ts';
import { bootstrap } from './bootstrap.ts';

let dataDir: string;
let database: Database;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'tidings-bootstrap-'));
  database = await openDatabase({ DATA_DIR: dataDir });
});
afterEach(async () => {
  await database.close();
  rmSync(dataDir, { recursive: true });
});

const own = `tk_0123456789ab_${'s'.repeat(40)}`;
const other = `tk_ba9876543210_${'t'.repeat(40)}`;
const isGood = (key: string) =>
  createAuthenticate({ store: createStore(database) })(new Headers({ authorization: `Bearer ${key}` })).then(
    () => true,
    () => false,
  );

test('the first start makes a key that only its owner can read, and later ones find it', async () => {
  const store = createStore(database);
  const first = await bootstrap({ store, dataDir });
  expect(first.source).toBe('generated');
  expect(statSync(join(dataDir, 'api-key')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(dataDir, 'api-key'), 'utf8').trim()).toBe(first.key);
  expect(await bootstrap({ store, dataDir })).toEqual({ key: first.key, source: 'file' });
  expect(await isGood(first.key)).toBe(true);
});

test('the default templates are there from the first start, and what somebody changed or archived stays so', async () => {
  const store = createStore(database);
  await bootstrap({ store, dataDir });
  const projectId = await store.ensureProject({ id: 'prj_none', key: 'default' });
  const actor = { kind: 'system' as const, id: '', address: '', requestId: '' };
  const recorded = (id: string) => ({ actor, change: { id, projectId, action: 'a', target: 't' } });
  const layout = { kind: 'layout' as const, key: 'default' };
  await store.putTemplatePart(projectId, layout, { html: 'mine' }, recorded('aud_1'));
  await store.archiveTemplate(projectId, 'welcome_email', recorded('aud_2'));
  await bootstrap({ store, dataDir });
  const keys = (await store.listTemplates(projectId, { limit: 100 })).map(({ key }) => key);
  expect(keys).toHaveLength(8);
  expect(await store.publishedTemplate(projectId, 'welcome_email')).toBeUndefined();
  expect((await store.publishedTemplate(projectId, 'order_shipped'))?.version).toBe(1);
  expect((await store.getTemplatePart(projectId, layout))?.source).toEqual({ html: 'mine' });
});

test('a key of the environment takes the place of the one before it, and can be taken back', async () => {
  const store = createStore(database);
  await bootstrap({ store, dataDir, apiKey: own });
  await bootstrap({ store, dataDir, apiKey: other });
  expect([await isGood(own), await isGood(other)]).toEqual([false, true]);
  await bootstrap({ store, dataDir, apiKey: own });
  expect([await isGood(own), await isGood(other)]).toEqual([true, false]);
});

/** A store that is away for the first few keys that are put. */
function awayFor(times: number) {
  const store = createStore(database);
  const outage = Object.assign(new Error('busy'), { code: 'SQLITE_BUSY' });
  let left = times;
  const putOnlyApiKey: typeof store.putOnlyApiKey = async (key) => {
    left -= 1;
    if (left >= 0) throw outage;
    return store.putOnlyApiKey(key);
  };
  return { ...store, putOnlyApiKey };
}

test('a record that goes away just after it was opened is waited for, and a generated key is still told as such', async () => {
  const made = await bootstrap({ store: awayFor(2), dataDir });
  expect(made.source).toBe('generated');
  expect(await isGood(made.key)).toBe(true);
});

test('a record that stays away is told', async () => {
  await expect(bootstrap({ store: awayFor(100), dataDir, waitMs: 300 })).rejects.toThrow('busy');
});
