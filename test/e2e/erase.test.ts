import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createStore } from '@tidings/db';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { enginesOf } from '../support/engines.ts';
import { type FcmAnswer, startFcmSink } from '../support/fcm-sink.ts';
import { quick } from '../support/quick.ts';
import { openRecord } from '../support/record.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';
import { until } from '../support/until.ts';

const cleanUp: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

let dataDir: string;
beforeEach(() => {
  const dir = tempDir();
  dataDir = dir.path;
  cleanUp.push(dir.remove);
});

const content = { email: { subject: 'Hi', text: 'Hello' }, push: { title: 'Hi', body: 'Hello' } };

describe('an erasure while a push is being sent', () => {
  test.each([
    ['delivered', undefined, { status: 'sent', reason: null }],
    ['to be tried again', { status: 503 }, { status: 'skipped', reason: 'erased' }],
  ] as Array<[string, FcmAnswer, object]>)('that turns out %s', async (_, answer, end) => {
    const held = Promise.withResolvers<FcmAnswer>();
    const sink = await startFcmSink({ answer: () => held.promise });
    cleanUp.push(sink.stop);
    const env = {
      FCM_SERVICE_ACCOUNT: JSON.stringify(sink.account),
      FCM_BASE_URL: sink.url,
      FCM_TOKEN_URL: sink.tokens.url,
    };
    const { tidings, stop } = await startTidings({ dataDir, env });
    cleanUp.push(stop);
    await tidings.recipients.upsert.mutate({ externalId: 'ada' });
    await tidings.devices.register.mutate({ recipientId: 'ada', platform: 'fcm', token: 'phone' });
    const to = { recipientId: 'ada' };
    const { messages } = await tidings.notifications.send.mutate({ to, content, channels: ['push'] });
    const id = messages[0]?.id ?? '';
    await until(
      () => sink.requests.length,
      (count) => count === 1,
    );
    const erased = await tidings.recipients.erase.mutate({ recipientId: 'ada' });
    expect(erased.complete).toBe(true);
    expect(await tidings.messages.get.query({ id })).toMatchObject({ status: 'sending', address: null });
    held.resolve(answer);
    const message = await ended(tidings, id);
    expect(message).toMatchObject({ ...end, address: null, payloadRemovedAt: expect.any(String) });
    expect(message.attempts.map(({ response }) => response)).toEqual([null]);
    expect(message.timeline.at(-1)).toMatchObject({ status: message.status });
    expect(sink.requests).toHaveLength(1);
  });
});

/** Begins an erasure, does a first piece of it, and is killed. */
const dyingProgram = `
  const { createStore, openDatabase } = await import(process.env.DB_PACKAGE);
  const store = createStore(await openDatabase(process.env));
  const projectId = await store.ensureProject({ id: 'prj_none', key: 'default' });
  const actor = { kind: 'system', id: '', address: '', requestId: '' };
  const { recipientId } = await store.beginErasure(projectId, 'ada', { actor, auditId: 'aud_1', newKey: 'k', newId: () => 'sup_1' });
  await store.continueErasure(recipientId);
  process.kill(process.pid, 'SIGKILL');`;

async function eraseAndDie(): Promise<void> {
  const DB_PACKAGE = new URL('../../packages/db/src/index.ts', import.meta.url).href;
  const { DATABASE_URL } = await enginesOf(dataDir);
  const child = spawn(process.execPath, ['--input-type=module', '--eval', dyingProgram], {
    env: { ...process.env, DB_PACKAGE, DATA_DIR: dataDir, ...(DATABASE_URL && { DATABASE_URL }) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
}

test('an erasure whose process is killed in its middle is finished by the workers', async () => {
  const first = await startTidings({ dataDir });
  await first.tidings.recipients.upsert.mutate({ externalId: 'ada', email: 'ada@example.com' });
  const sendAt = new Date(Date.now() + 3_600_000).toISOString();
  const item = { to: { recipientId: 'ada' }, content, data: { of: 'ada' }, channels: ['email'], sendAt };
  const { items } = await first.tidings.notifications.sendMany.mutate({
    items: Array.from({ length: 120 }, () => item),
  });
  const ids = items.map((one) => ('id' in one ? one.id : ''));
  await first.stop();
  await eraseAndDie();

  const payloads = async ({ tidings }: TestTidings) => {
    const all = await Promise.all(ids.map((id) => tidings.notifications.get.query({ id })));
    return all.filter(({ payloadRemovedAt }) => payloadRemovedAt === null).length;
  };
  const { database, query } = await openRecord(dataDir);
  cleanUp.push(database.close);
  const [left] = await query('select count(*) as n from notifications where payload_removed_at is null');
  expect(Number((left as { n: number }).n)).toBe(70);
  // Whoever had it in hand has had its time.
  await query('update erasures set due_at = 0');
  const second = await startTidings({ dataDir, tuning: { ...quick, upkeep: { erasureMs: 20, pauseMs: 1 } } });
  cleanUp.push(second.stop);
  await until(
    () => payloads(second),
    (count) => count === 0,
  );
  const { messages } = await second.tidings.notifications.get.query({ id: ids[0] ?? '' });
  expect(messages).toMatchObject([{ status: 'skipped', reason: 'erased' }]);
  const store = createStore(database);
  await until(
    () => query('select step from erasures'),
    (rows) => (rows[0] as { step: string }).step === 'late',
  );
  expect(await store.dueErasures(10)).toEqual([]);
});
