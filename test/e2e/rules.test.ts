import PostalMime from 'postal-mime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startTidings, type TestTidings } from '../support/tidings.ts';
import { until } from '../support/until.ts';

const dir = tempDir();
let mails: SmtpSink;
let running: TestTidings;

beforeAll(async () => {
  mails = await startSmtpSink();
  running = await startTidings({
    dataDir: dir.path,
    env: { SMTP_URL: mails.url, EMAIL_FROM: 'shop@tidings.example' },
  });
});
afterAll(async () => {
  await running.stop();
  await mails.stop();
  dir.remove();
});

const link = 'https://example.com/';

/** A rule that welcomes whoever an event of the type is about. */
const welcome = (name: string, type: string, to: { email: string } | { recipientId: string }) =>
  running.tidings.subscriptions.create.mutate({
    name,
    types: [type],
    settings: {
      kind: 'notify',
      to,
      template: 'welcome_email',
      data: { name: { pointer: '/data/who/0/first~1name' }, link: { value: link } },
    },
  });

/** The copy of the only rule, once it has ended. */
async function endedCopy(eventId: string) {
  const { copies } = await until(
    () => running.tidings.events.get.query({ id: eventId }),
    (event) => event.fannedOutAt !== null && event.copies.every(({ endedAt }) => endedAt !== null),
  );
  expect(copies).toHaveLength(1);
  return copies[0];
}

async function mailsTo(address: string) {
  const theirs = mails.received.filter(({ recipients }) => recipients.includes(address));
  return Promise.all(theirs.map(({ raw }) => PostalMime.parse(raw)));
}

test('one event and one rule are one mail with the mapped data, however often it is published', async () => {
  const { tidings } = running;
  await welcome('welcome', 'user.created', { email: '/data/email' });
  const event = {
    type: 'user.created',
    id: 'user-42',
    data: { email: 'ada@example.com', who: [{ 'first/name': 'Ada Lovelace' }] },
  };
  const { id } = await tidings.events.publish.mutate(event);
  const copy = await endedCopy(id);
  expect(copy).toMatchObject({ kind: 'notify', subscription: 'welcome', status: 'delivered', reason: null });
  const again = await Promise.all(Array.from({ length: 5 }, () => tidings.events.publish.mutate(event)));
  expect(new Set(again.map((answer) => answer.id))).toEqual(new Set([id]));

  const notification = await tidings.notifications.get.query({ id: copy?.notificationId ?? '' });
  expect(notification.metadata).toEqual({ eventId: id, subscriptionId: copy?.subscriptionId });
  await mails.waitFor(1);

  // What comes after it has gone the whole way: no second mail was before it.
  const last = await tidings.events.publish.mutate({ ...event, id: 'user-43' });
  await endedCopy(last.id);
  await mails.waitFor(2);
  const received = await mailsTo('ada@example.com');
  expect(received).toHaveLength(2);
  for (const mail of received) expect(mail.html).toContain('Ada Lovelace');
});

test('whoever is not known yet is a dead letter, and gets the mail when it is sent again', async () => {
  const { tidings } = running;
  await welcome('welcome-known', 'user.confirmed', { recipientId: '/subject' });
  const { id } = await tidings.events.publish.mutate({
    type: 'user.confirmed',
    subject: 'grace',
    data: { who: [{ 'first/name': 'Grace' }] },
  });
  const copy = await endedCopy(id);
  expect(copy).toMatchObject({ status: 'failed', reason: 'recipient_not_found', notificationId: null });

  await tidings.recipients.upsert.mutate({ externalId: 'grace', email: 'grace@example.com' });
  await tidings.copies.resend.mutate({ id: copy?.id ?? '' });
  const [mail] = await until(
    () => mailsTo('grace@example.com'),
    (found) => found.length > 0,
  );
  expect(mail?.html).toContain('Grace');
  const delivered = await until(
    () => endedCopy(id),
    (found) => found?.status === 'delivered',
  );
  expect(delivered?.notificationId).toMatch(/^ntf_/);
});
