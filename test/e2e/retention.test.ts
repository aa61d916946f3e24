import { afterEach, beforeEach, expect, test } from 'vitest';
import { quick } from '../support/quick.ts';
import { openRecord } from '../support/record.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings } from '../support/tidings.ts';
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

const dayMs = 86_400_000;
const content = { email: { subject: 'Hi', text: 'Hello {{ name }}' } };
const toAda = { to: { email: 'ada@example.com' }, content, data: { name: 'Ada' }, metadata: { of: 'app' } };

test('the workers remove payloads after 30 days and all of it after 90; what is open stays', async () => {
  const tuning = { ...quick, upkeep: { pruneMs: 50, pauseMs: 1 } };
  const { tidings, stop } = await startTidings({ dataDir, tuning });
  cleanUp.push(stop);
  const { database, query } = await openRecord(dataDir);
  cleanUp.push(database.close);
  const sendAt = new Date(Date.now() + 3_600_000).toISOString();
  const open = await tidings.notifications.send.mutate({ ...toAda, sendAt });
  const sent = await tidings.notifications.send.mutate({ ...toAda, idempotencyKey: 'once' });
  const message = sent.messages[0]?.id ?? '';
  await ended(tidings, message);
  const letPass = async (days: number) => {
    await query(`update notifications set created_at = created_at - ${days * dayMs}`);
    await query(`update messages set ended_at = ended_at - ${days * dayMs}`);
  };
  const get = (id: string) => tidings.notifications.get.query({ id });

  await letPass(31);
  const without = await until(
    () => get(sent.id),
    ({ payloadRemovedAt }) => payloadRemovedAt !== null,
  );
  expect(without).toMatchObject({ status: 'completed', metadata: {} });
  expect(await tidings.messages.get.query({ id: message })).toMatchObject({
    status: 'sent',
    address: null,
    payloadRemovedAt: without.payloadRemovedAt,
    attempts: [{ outcome: 'sent' }],
  });
  await letPass(60);
  await until(
    () => get(sent.id).catch((error: Error) => error),
    (found) => found instanceof Error,
  );
  expect(await get(open.id)).toMatchObject({
    status: 'accepted',
    payloadRemovedAt: null,
    metadata: { of: 'app' },
  });
});

test('who was on record before there was a search is found after the next start', async () => {
  const first = await startTidings({ dataDir });
  const person = { externalId: 'ADA', name: 'Émile', email: 'Emile@Example.com' };
  await first.tidings.recipients.upsert.mutate(person);
  await first.stop();
  const { database, query } = await openRecord(dataDir);
  cleanUp.push(database.close);
  await query(`update recipients set search_id = '', search_name = null, search_email = null`);
  const second = await startTidings({ dataDir });
  cleanUp.push(second.stop);
  for (const search of ['ada', 'émile', 'emile@']) {
    const { items } = await until(
      () => second.tidings.recipients.list.query({ search }),
      (page) => page.items.length > 0,
    );
    expect(items).toMatchObject([person]);
  }
});
