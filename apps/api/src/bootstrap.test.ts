import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStore, type Database, openDatabase } from '@tidings/db';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createKeyCheck } from './auth/api-keys.ts';
import { createPasswords } from './auth/passwords.ts';
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
  createKeyCheck({ store: createStore(database) })(key).then(
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

test('a key of the environment that was revoked or rotated over the API is not given back', async () => {
  const store = createStore(database);
  const actor = { kind: 'system', id: 'acc_1', address: '', requestId: '' } as const;
  for (const apiKey of [own, other]) await bootstrap({ store, dataDir, apiKey });
  const projectId = (await store.findProject('default'))?.id ?? '';
  const [, ownId = ''] = own.split('_');
  const [, otherId = ''] = other.split('_');
  await store.revokeApiKey(actor, { auditId: 'aud_1', projectId, id: otherId });
  await bootstrap({ store, dataDir, apiKey: other });
  expect(await isGood(other)).toBe(false);
  await bootstrap({ store, dataDir, apiKey: own });
  const successor = { id: 'successor', secretHash: 'h', expiresAt: null };
  await store.rotateApiKey(actor, {
    auditId: 'aud_2',
    successorAuditId: 'aud_3',
    projectId,
    id: ownId,
    overlapMs: 0,
    successor,
  });
  await bootstrap({ store, dataDir, apiKey: own });
  expect(await isGood(own)).toBe(false);
  expect(await store.findApiKey('successor')).toBeDefined();
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

test('the first owner is made once: a password that was changed later stays', async () => {
  const store = createStore(database);
  const owner = { email: 'Ada@Example.com', password: 'the first password' };
  await bootstrap({ store, dataDir, owner });
  const made = await store.findAccountByEmail('ada@example.com');
  expect(made).toMatchObject({ role: 'owner', disabledAt: null });
  expect(await createPasswords().verify(owner.password, made?.passwordHash)).toBe(true);
  await bootstrap({ store, dataDir, owner: { ...owner, password: 'quite another one' } });
  expect(await store.findAccountByEmail('ada@example.com')).toEqual(made);
  expect(await store.listAudit(null, { limit: 10 })).toMatchObject([
    { action: 'accounts.create', target: made?.id, actorKind: 'system' },
  ]);
});
