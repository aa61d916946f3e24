import { randomUUID } from 'node:crypto';
import { createTidings, type Tidings } from '@tidings/client';
import {
  deliveredStatuses,
  endStatuses,
  type MessageStatus,
  type Reason,
  reasons,
  reasonsExplained,
} from '@tidings/contracts';
import type { Settlement } from '@tidings/db';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
let tidings: Tidings;

beforeAll(async () => {
  tested = await openTestApi();
  tidings = createTidings({ url: (await tested.listen()).url, apiKey: tested.key });
});
afterAll(() => tested.close());

/** Every way in which a message ends. */
const ends: Partial<Record<MessageStatus, Array<Reason | null>>> = {
  sent: [null],
  delivered: [null],
  bounced: ['invalid_address'],
  failed: ['rejected', 'attempts_exhausted', 'render_failed', 'template_missing'],
  suppressed: ['hard_bounce', 'complaint', 'unsubscribed', 'manual'],
  skipped: ['no_address', 'no_device', 'opted_out', 'no_provider', 'erased'],
  canceled: ['canceled_by_request'],
  expired: ['expired', 'quiet_hours'],
  unknown: ['ambiguous', 'worker_lost'],
};
const waits: Reason[] = [
  'provider_transient',
  'provider_unavailable',
  'provider_configuration',
  'rate_limited',
  'connection_lost',
];
const all = Object.entries(ends).flatMap(([status, whys]) =>
  (whys ?? []).map((reason) => [status as MessageStatus, reason] as const),
);

test('no end and no reason is left out here', () => {
  expect(Object.keys(ends).sort()).toEqual([...endStatuses].sort());
  const told = [...all.flatMap(([, reason]) => reason ?? []), ...waits];
  expect([...told].sort()).toEqual([...reasons].sort());
});

const byAttempt: MessageStatus[] = ['sent', 'bounced', 'failed', 'unknown'];

describe.each(all)('%s, %s', (status, reason) => {
  test.each([
    ['without an attempt on record', false],
    ['after an attempt', true],
  ])('%s: the last decision has its rule, its reason and a sentence', async (_, attempted) => {
    if (attempted && !byAttempt.includes(status)) return;
    const { messages } = await tidings.notifications.send.mutate({
      to: { email: 'ada@example.com' },
      content: { email: { subject: 's', text: 't' } },
    });
    const id = messages[0]?.id ?? '';
    const [{ created_at: createdAt }] = (await tested.query(
      `SELECT created_at FROM messages WHERE id = '${id}'`,
    )) as [{ created_at: number }];
    const at = Number(createdAt) + 1000;
    const why = reason === null ? 'NULL' : `'${reason}'`;
    await tested.query(
      `UPDATE messages SET status = '${status}', reason = ${why}, place = NULL, ended_at = ${at} WHERE id = '${id}'`,
    );
    const outcome = { sent: 'sent', bounced: 'bounced', failed: 'rejected', unknown: 'lost' }[
      status as 'sent'
    ];
    if (attempted) {
      await tested.query(`INSERT INTO attempts
        (message_id, number, generation, worker, started_at, finished_at, outcome, provider, code)
        VALUES ('${id}', 1, 0, 'w', ${at - 10}, ${at}, '${outcome}', 'smtp', '250')`);
    }
    const explained = await tidings.messages.explain.query({ id });
    expect(explained).toMatchObject({ id, status, reason });
    expect(explained.decisions.slice(0, 2).map(({ rule }) => rule)).toEqual(['acceptance', 'lane']);
    const last = explained.decisions.at(-1);
    const isDelivered = (deliveredStatuses as readonly string[]).includes(status);
    expect(last?.status).toBe(status);
    expect(last?.reason).toBe(isDelivered ? undefined : reason);
    expect(last?.rule).toBe(
      reason === null ? (status === 'sent' ? 'provider_answer' : 'report') : reasonsExplained[reason].rule,
    );
    expect(last?.text).toMatch(/^[A-Za-z].*\.$/);
    if (attempted) expect(last).toMatchObject({ attempt: 1, provider: 'smtp', code: '250', outcome });
  });
});

test('what was accepted with says the version, and its locale with the rule that chose it', async () => {
  const textOf = async (locale?: string) => {
    const sent = await tidings.notifications.send.mutate({
      to: { email: 'ada@example.com' },
      template: 'welcome_email',
      data: { name: 'Ada', link: 'https://example.com/' },
      locale,
    });
    const { decisions } = await tidings.messages.explain.query({ id: sent.messages[0]?.id ?? '' });
    return decisions[0]?.text;
  };
  expect(await textOf('fr-CA')).toBe(
    'Accepted for email with version 1 of welcome_email in fr, asked for by the send, or else the recipient.',
  );
  expect(await textOf()).toBe("Accepted for email with version 1 of welcome_email in en, the project's own.");
});

test('what is scheduled waits for its time, and somebody without an address was never sent to', async () => {
  const content = { email: { subject: 's', text: 't' } };
  const sendAt = new Date(Date.now() + 3_600_000).toISOString();
  const later = await tidings.notifications.send.mutate({ to: { email: 'a@example.com' }, content, sendAt });
  const waiting = await tidings.messages.explain.query({ id: later.messages[0]?.id ?? '' });
  expect(waiting.decisions.map(({ rule, status }) => [rule, status])).toEqual([
    ['acceptance', 'scheduled'],
    ['lane', 'scheduled'],
    ['send_at', 'scheduled'],
  ]);
  await tidings.recipients.upsert.mutate({ externalId: 'nowhere' });
  const none = await tidings.notifications.send.mutate({ to: { recipientId: 'nowhere' }, content });
  const skipped = await tidings.messages.explain.query({ id: none.messages[0]?.id ?? '' });
  expect(skipped.decisions.map(({ rule, status, reason }) => [rule, status, reason])).toEqual([
    ['acceptance', 'skipped', undefined],
    ['address', 'skipped', 'no_address'],
  ]);
});

test('what is told to have happened before it was accepted, by the clock of whoever tells, comes after that', async () => {
  const content = { email: { subject: 's', text: 't' } };
  const sent = await tidings.notifications.send.mutate({ to: { email: 'a@example.com' }, content });
  const id = sent.messages[0]?.id ?? '';
  await tidings.messages.report.mutate({ id, type: 'opened', at: '2020-01-31T08:00:00Z' });
  const { decisions } = await tidings.messages.explain.query({ id });
  expect(decisions.map(({ rule }) => rule)).toEqual(['acceptance', 'lane', 'report']);
});

test('what a worker learned that had lost the message changed nothing, and counts as no failure', async () => {
  const content = { email: { subject: 's', text: 't' } };
  const sent = await tidings.notifications.send.mutate({ to: { email: 'a@example.com' }, content });
  const id = sent.messages[0]?.id ?? '';
  const at = Date.now() + 1000;
  const attempt = (number: number, started: number, finished: number) =>
    `('${id}', ${number}, 0, 'w', ${at + started}, ${at + finished}, 'transient', 'smtp', '451')`;
  await tested.query(`INSERT INTO attempts
    (message_id, number, generation, worker, started_at, finished_at, outcome, provider, code)
    VALUES ${attempt(1, 0, 20)}, ${attempt(2, 10, 30)}`);
  const { decisions } = await tidings.messages.explain.query({ id });
  expect(decisions.slice(2).map(({ rule, status, attempt }) => [rule, status, attempt])).toEqual([
    ['claim', 'sending', 1],
    ['claim', 'sending', 2],
    ['lost_worker', undefined, 1],
    ['retry', 'retrying', 2],
  ]);
  expect(decisions.at(-2)?.text).toBe('smtp: 451. Its worker had lost it by then: nothing changed.');
  expect(decisions.at(-1)?.text).toContain('Failure 1 of 8');
});

describe('what may have arrived and was not sent again', () => {
  const content = { email: { subject: 's', text: 't' } };

  /** Takes it in hand once, and settles that as it is said; answers when it may be taken in hand again. */
  async function tryOnce(id: string, settled: Pick<Settlement, 'outcome' | 'reason' | 'verdict'>) {
    const token = randomUUID();
    const { claimed } = await tested.store.claim({ ids: [id], token, owner: 'worker', leaseMs: 60_000 });
    const { attempt, generation } = claimed[0]?.message ?? { attempt: 0, generation: 0 };
    const by = { messageId: id, token, attempt, generation, worker: 'worker', provider: 'smtp' };
    await tested.store.settle([{ ...by, ...settled, code: null, response: null }]);
  }
  async function sendInDoubt() {
    const { id, messages } = await tidings.notifications.send.mutate({
      to: { email: 'ada@example.com' },
      content,
    });
    const messageId = messages[0]?.id ?? '';
    const reason = 'ambiguous';
    const verdict = { status: 'retrying', reason, countsFailure: true, delayMs: 0, park: false } as const;
    await tryOnce(messageId, { outcome: 'ambiguous', reason, verdict });
    return { id, messageId };
  }

  test('says what an attempt before left in doubt, and not that this one did', async () => {
    const { messageId } = await sendInDoubt();
    const verdict = { status: 'failed', reason: 'rejected', countsFailure: true } as const;
    await tryOnce(messageId, { outcome: 'rejected', reason: 'rejected', verdict });
    const { status, decisions } = await tidings.messages.explain.query({ id: messageId });
    expect(status).toBe('unknown');
    expect(decisions.at(-1)).toMatchObject({
      rule: 'ambiguity',
      status: 'unknown',
      reason: 'ambiguous',
      attempt: 2,
      outcome: 'rejected',
      text:
        'The provider refused it for good. ' +
        'An attempt before may have arrived, so nobody can say that the message did not.',
    });
  });

  test('a cancel of it is too late, each time, and that is said', async () => {
    const { id, messageId } = await sendInDoubt();
    for (let asked = 0; asked < 2; asked += 1) {
      const { messages } = await tidings.notifications.cancel.mutate({ id });
      expect(messages).toEqual([{ id: messageId, result: 'too_late' }]);
    }
    const { decisions } = await tidings.messages.explain.query({ id: messageId });
    expect(decisions.at(-1)).toMatchObject({ rule: 'ambiguity', status: 'unknown', reason: 'ambiguous' });
    expect(decisions.at(-1)?.text).toMatch(
      /it may have arrived, and a cancel came too late to prevent it\.$/,
    );
  });
});
