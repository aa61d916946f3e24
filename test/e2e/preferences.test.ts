import { createStore } from '@tidings/db';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRecord, type TestRecord } from '../support/record.ts';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';
import { until } from '../support/until.ts';

const dir = tempDir();
let sink: SmtpSink;
let running: TestTidings;
let record: TestRecord;
let made = 0;

beforeAll(async () => {
  sink = await startSmtpSink();
  const env = { SMTP_URL: sink.url, EMAIL_FROM: 'hello@tidings.example' };
  running = await startTidings({ dataDir: dir.path, env });
  record = await openRecord(dir.path);
});
afterAll(async () => {
  await record.database.close();
  await running.stop();
  await sink.stop();
  dir.remove();
});

const content = { email: { subject: 'Hi', text: 'Hello' } };

async function newRecipient(): Promise<string> {
  made += 1;
  await running.tidings.recipients.upsert.mutate({
    externalId: `user-${made}`,
    email: `user-${made}@example.com`,
  });
  return `user-${made}`;
}

type Send = Parameters<TestTidings['tidings']['notifications']['send']['mutate']>[0];

/** Sends one e-mail and answers its message's id. */
async function send(to: string | Send['to'], more: Partial<Send> = {}): Promise<string> {
  const { messages } = await running.tidings.notifications.send.mutate({
    to: typeof to === 'string' ? { recipientId: to } : to,
    content,
    ...more,
  });
  return messages[0]?.id ?? '';
}

const endOf = async (id: string) => {
  const { status, reason } = await ended(running.tidings, id);
  return reason === null ? status : `${status}: ${reason}`;
};
const wants = (recipientId: string, category: string | undefined, enabled: boolean | null) =>
  running.tidings.preferences.set.mutate({
    recipientId,
    preferences: [{ channel: 'email', category, enabled }],
  });
const received = (address: string) =>
  sink.received.filter(({ recipients }) => recipients.includes(`${address}@example.com`)).length;

describe('who opted out', () => {
  test('gets nothing more of the category: the next message is skipped, without an attempt', async () => {
    const ada = await newRecipient();
    expect(await endOf(await send(ada, { category: 'news' }))).toBe('sent');
    await wants(ada, 'news', false);
    const skipped = await ended(running.tidings, await send(ada, { category: 'news' }));
    expect(skipped).toMatchObject({ status: 'skipped', reason: 'opted_out', attempts: [], failures: 0 });
    expect(skipped.timeline.map(({ status, reason }) => [status, reason])).toEqual([
      ['queued', undefined],
      ['skipped', 'opted_out'],
    ]);
    const metrics = await (await fetch(`${running.url}/metrics`)).text();
    expect(metrics).toMatch(/^tidings_messages_ended_total\{channel="email",status="skipped"\} [1-9]/m);
    expect(await endOf(await send(ada, { category: 'orders' }))).toBe('sent');
    expect(await endOf(await send(ada))).toBe('sent');
    await wants(ada, 'news', null);
    expect(await endOf(await send(ada, { category: 'news' }))).toBe('sent');
    expect(received(ada)).toBe(4);
  });

  test('between the accept and the delivery gets nothing of what was accepted before', async () => {
    const ada = await newRecipient();
    const sendAt = new Date(Date.now() + 3_600_000).toISOString();
    const id = await send(ada, { category: 'news', sendAt });
    await wants(ada, 'news', false);
    await record.query(`UPDATE messages SET due_at = created_at WHERE id = '${id}'`);
    expect(await endOf(id)).toBe('skipped: opted_out');
    expect(received(ada)).toBe(0);
  });

  test('of a channel gets nothing on it, however urgent, but what is required', async () => {
    const ada = await newRecipient();
    const required = { name: 'Security', required: true };
    await running.tidings.categories.upsert.mutate({ key: 'security', ...required });
    await wants(ada, undefined, false);
    expect(await endOf(await send(ada))).toBe('skipped: opted_out');
    expect(await endOf(await send(ada, { category: 'orders' }))).toBe('skipped: opted_out');
    expect(await endOf(await send(ada, { lane: 'critical' }))).toBe('skipped: opted_out');
    await until(
      async () => endOf(await send(ada, { category: 'security' })),
      (end) => end === 'sent',
    );
  });

  test('by default gets what it asked for; nobody asks for a bare address', async () => {
    const [ada, grace] = [await newRecipient(), await newRecipient()];
    const preferences = [{ channel: 'email' as const, category: 'offers', enabled: false }];
    await running.tidings.preferenceDefaults.set.mutate({ preferences });
    await wants(ada, 'offers', true);
    // Workers know it once they read the rules again.
    await until(
      async () => endOf(await send(grace, { category: 'offers' })),
      (end) => end === 'skipped: opted_out',
    );
    expect(await endOf(await send(ada, { category: 'offers' }))).toBe('sent');
    expect(await endOf(await send({ email: 'bare@example.com' }, { category: 'offers' }))).toBe(
      'skipped: opted_out',
    );
    expect(await endOf(await send({ email: 'bare@example.com' }))).toBe('sent');
  });

  test('is asked again when a message is replayed', async () => {
    const ada = await newRecipient();
    await wants(ada, 'news', false);
    const id = await send(ada, { category: 'news' });
    expect(await endOf(id)).toBe('skipped: opted_out');
    const store = createStore(record.database);
    const generationOf = async () => (await rowOf(id)).generation;
    await store.replay([id]);
    expect(await generationOf()).toBe(1);
    expect(await endOf(id)).toBe('skipped: opted_out');
    await wants(ada, 'news', true);
    await store.replay([id]);
    expect(await endOf(id)).toBe('sent');
  });
});

async function rowOf(id: string) {
  const [row] = await record.query(
    `SELECT status, place, generation, due_at AS "dueAt" FROM messages WHERE id = '${id}'`,
  );
  return row as { status: string; place: string | null; generation: number; dueAt: number };
}

describe('in quiet hours', () => {
  /** From two minutes ago until this many minutes from now, by the clock of UTC. */
  function around(minutes: number): { from: string; to: string } {
    const clock = (at: number) => new Date(at).toISOString().slice(11, 16);
    return { from: clock(Date.now() - 120_000), to: clock(Date.now() + minutes * 60_000) };
  }

  test('a message waits for their end and then goes, once; a critical one goes at once', async () => {
    const ada = await newRecipient();
    await running.tidings.preferences.set.mutate({
      recipientId: ada,
      quietHours: around(60),
      timezone: 'UTC',
    });
    const id = await send(ada);
    const waiting = await until(
      () => running.tidings.messages.get.query({ id }),
      ({ status }) => status === 'scheduled',
    );
    expect(waiting).toMatchObject({ reason: 'quiet_hours', attempts: [], endedAt: null });
    const waitMs = Date.parse(waiting.dueAt) - Date.now();
    expect(waitMs).toBeGreaterThan(58 * 60_000);
    expect(waitMs).toBeLessThanOrEqual(60 * 60_000);
    expect(Date.parse(waiting.dueAt) % 60_000).toBe(0);
    expect(await endOf(await send(ada, { lane: 'critical' }))).toBe('sent');
    expect(received(ada)).toBe(1);

    // Due too early it is put off once more; when the hours are over it goes.
    await record.query(`UPDATE messages SET due_at = created_at WHERE id = '${id}'`);
    await until(
      () => rowOf(id),
      (row) => row.status === 'scheduled' && row.generation === 2,
    );
    await running.tidings.preferences.set.mutate({ recipientId: ada, quietHours: null });
    await record.query(`UPDATE messages SET due_at = created_at WHERE id = '${id}'`);
    const sent = await ended(running.tidings, id);
    expect(sent).toMatchObject({ status: 'sent', reason: null, attempts: [{ number: 1, outcome: 'sent' }] });
    expect(sent.timeline.map(({ status }) => status)).toEqual(['queued', 'scheduled', 'sending', 'sent']);
    expect(sent.timeline[1]).toMatchObject({ reason: 'quiet_hours' });
    expect(received(ada)).toBe(2);
  });

  test('they are those of the zone of the recipient, else of the project', async () => {
    const hour = new Date().getUTCHours();
    const twoDigits = (at: number) => String((at + 24) % 24).padStart(2, '0');
    // Ten hours ahead of UTC, without a summer time: quiet there, and broad day in UTC.
    const quietHours = { from: `${twoDigits(hour + 9)}:00`, to: `${twoDigits(hour + 12)}:00` };
    const [there, here] = [await newRecipient(), await newRecipient()];
    const timezone = 'Australia/Brisbane';
    await running.tidings.preferences.set.mutate({ recipientId: there, quietHours, timezone });
    await running.tidings.preferences.set.mutate({ recipientId: here, quietHours });
    const waiting = await send(there);
    expect(await endOf(await send(here))).toBe('sent');
    await until(
      () => rowOf(waiting),
      ({ status }) => status === 'scheduled',
    );
    await record.query(`UPDATE projects SET timezone = '${timezone}'`);
    await until(
      async () => {
        const id = await send(here);
        return until(
          () => rowOf(id),
          ({ status }) => status === 'scheduled' || status === 'sent',
        );
      },
      ({ status }) => status === 'scheduled',
    );
    await record.query(`UPDATE projects SET timezone = 'UTC'`);
  });

  test('what would go too late expires at once, and what waits can be canceled', async () => {
    const ada = await newRecipient();
    await running.tidings.preferences.set.mutate({
      recipientId: ada,
      quietHours: around(60),
      timezone: 'UTC',
    });
    const expiresAt = new Date(Date.now() + 30 * 60_000).toISOString();
    expect(await endOf(await send(ada, { expiresAt }))).toBe('expired: quiet_hours');
    const sent = await running.tidings.notifications.send.mutate({ to: { recipientId: ada }, content });
    const id = sent.messages[0]?.id ?? '';
    await until(
      () => rowOf(id),
      ({ status }) => status === 'scheduled',
    );
    await running.tidings.notifications.cancel.mutate({ id: sent.id });
    expect(await endOf(id)).toBe('canceled: canceled_by_request');
    expect(received(ada)).toBe(0);
  });
});
