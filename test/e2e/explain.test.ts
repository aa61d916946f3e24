import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ScriptedSmtp, startScriptedSmtp } from '../support/scripted-smtp.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';

const dir = tempDir();
let smtp: ScriptedSmtp;
let running: TestTidings;
const replies = ['451 4.7.1 Later', 'drop', '550 5.7.1 Not here', '250 2.0.0 Ok'];

beforeAll(async () => {
  smtp = await startScriptedSmtp({ body: (count) => replies[count - 1] ?? '250 2.0.0 Ok' });
  const env = { SMTP_URL: smtp.url, EMAIL_FROM: 'hello@tidings.example' };
  running = await startTidings({ dataDir: dir.path, env });
});
afterAll(async () => {
  await running.stop();
  await smtp.stop();
  dir.remove();
});

const content = { email: { subject: 'Hi', text: 'Hello' } };
const { parse } = Date;

test('a message that was retried, refused and replayed tells each decision with its rule', async () => {
  const { notifications, messages } = running.tidings;
  const sent = await notifications.send.mutate({ to: { email: 'ada@example.com' }, content });
  const id = sent.messages[0]?.id ?? '';
  // Refused the third time; but the second may have arrived.
  expect(await ended(running.tidings, id)).toMatchObject({ status: 'unknown' });
  await messages.replay.mutate({ id });
  expect(await ended(running.tidings, id)).toMatchObject({ status: 'sent' });
  const { decisions } = await messages.explain.query({ id });
  expect(
    decisions.map(({ rule, status, reason, attempt, outcome, code }) =>
      [rule, status, reason, attempt, outcome, code].filter((one) => one !== undefined).join(' '),
    ),
  ).toEqual([
    'acceptance queued',
    'lane queued',
    'claim sending 1',
    'retry retrying provider_transient 1 transient 451 4.7.1',
    'claim sending 2',
    'ambiguity retrying ambiguous 2 ambiguous ECONNECTION',
    'claim sending 3',
    'ambiguity unknown ambiguous 3 rejected 550 5.7.1',
    'replay queued',
    'claim sending 4',
    'provider_answer sent 4 sent 250 2.0.0',
  ]);
  expect(decisions[3]?.text).toMatch(
    /^smtp: 451 4\.7\.1\. .*\. Failure 1 of 8: tried again after \d+\.\d s\.$/,
  );
  expect(decisions[5]?.text).toMatch(/ Failure 2 of 8: tried again/);
  expect(decisions[8]?.text).toMatch(/^Somebody sent it again, as it was accepted/);
  const instants = decisions.map(({ at }) => parse(at));
  expect(instants).toEqual(instants.toSorted((one, other) => one - other));
});

test('what its recipient does not want is not sent, by the rule of preferences', async () => {
  const { notifications, messages, recipients, preferences } = running.tidings;
  await recipients.upsert.mutate({ externalId: 'ada', email: 'ada@example.com' });
  await preferences.set.mutate({
    recipientId: 'ada',
    preferences: [{ channel: 'email', category: 'news', enabled: false }],
  });
  const sent = await notifications.send.mutate({ to: { recipientId: 'ada' }, content, category: 'news' });
  const id = sent.messages[0]?.id ?? '';
  await ended(running.tidings, id);
  const { decisions } = await messages.explain.query({ id });
  expect(decisions.at(-1)).toMatchObject({ rule: 'preference', status: 'skipped', reason: 'opted_out' });
});

test('a dry run says what a send then does, and by whom', async () => {
  const { notifications, messages, recipients, preferences } = running.tidings;
  await recipients.upsert.mutate({ externalId: 'grace', email: 'grace@example.com' });
  await recipients.upsert.mutate({ externalId: 'nowhere' });
  await preferences.set.mutate({
    recipientId: 'grace',
    preferences: [{ channel: 'email', category: 'news', enabled: false }],
  });
  const device = { platform: 'fcm', token: 'phone' } as const;
  const endless = { email: { subject: 's', text: '{% for i in (1..1000000000) %}x{% endfor %}' } };
  const sends = [
    { to: { recipientId: 'grace' }, content },
    { to: { recipientId: 'grace' }, content, category: 'news' },
    { to: { recipientId: 'grace' }, content, category: 'orders' },
    { to: { recipientId: 'nowhere' }, content },
    { to: { recipientId: 'grace' }, content: endless },
    { to: { device }, content: { push: { title: 't', body: 'b' } } },
    { to: { device }, content: { push: { title: 't', body: 'b', url: '{{ x }}' } }, data: { x: 'data:,x' } },
  ];
  for (const send of sends) {
    const [foreseen] = (await notifications.explain.mutate(send)).messages;
    const sent = await notifications.send.mutate(send);
    const happened = await ended(running.tidings, sent.messages[0]?.id ?? '');
    expect(foreseen?.wouldSend, JSON.stringify(send)).toBe(happened.status === 'sent');
    expect(foreseen?.stoppedBy[0]?.reason ?? null).toBe(happened.reason);
    const { decisions } = await messages.explain.query({ id: happened.id });
    const [stop] = foreseen?.stoppedBy ?? [];
    if (stop !== undefined) expect(decisions.at(-1)?.rule).toBe(stop.rule);
    else expect(foreseen?.route.providers).toEqual([happened.attempts[0]?.provider]);
  }
});
