import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTidings } from '@tidings/client';
import { getTableName } from 'drizzle-orm';
import { Redis } from 'ioredis';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tables } from '../../packages/db/src/schema/sqlite.ts';
import { type Child, startChild } from '../support/child.ts';
import { enginesOf } from '../support/engines.ts';
import { type FcmSink, startFcmSink } from '../support/fcm-sink.ts';
import { openRecord } from '../support/record.ts';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended } from '../support/tidings.ts';

const dir = tempDir();
let service: Child;
let url: string;
let mails: SmtpSink;
let pushes: FcmSink;

beforeAll(async () => {
  [mails, pushes] = await Promise.all([startSmtpSink(), startFcmSink()]);
  service = startChild(['tidings.mjs', 'start'], {
    DATA_DIR: dir.path,
    PORT: '0',
    LOG_LEVEL: 'trace',
    SMTP_URL: mails.url,
    EMAIL_FROM: 'shop@tidings.example',
    FCM_SERVICE_ACCOUNT: JSON.stringify(pushes.account),
    FCM_BASE_URL: pushes.url,
    FCM_TOKEN_URL: pushes.tokens.url,
    ...(await enginesOf(dir.path)),
  });
  [, url = ''] = await service.printed(/API {7}(http:\S+)\/v1/);
});
afterAll(async () => {
  await service.end();
  await Promise.all([mails.stop(), pushes.stop()]);
  dir.remove();
});

/** What is known of somebody: nothing of it may be left once it is forgotten. */
const person = {
  name: 'Amelie Poulain',
  email: 'amelie.poulain@example.org',
  phone: 'phone-of-amelie',
  tablet: 'tablet-of-amelie',
};
const order = 'order-of-amelie-4711';

test('from the first login to a person that is forgotten', async () => {
  // Log in with what the first start said, and make a project with a key that sends.
  const [, email = '', password = ''] = /Login {5}(\S+) with (\S+)/.exec(service.output()) ?? [];
  const { accessToken } = await createTidings({ url }).auth.login.mutate({ email, password });
  const asOwner = createTidings({ url, accessToken: () => accessToken });
  await asOwner.projects.create.mutate({ key: 'shop', name: 'The shop', defaultLocale: 'en' });
  const inShop = createTidings({ url, accessToken: () => accessToken, project: 'shop' });
  const { key } = await inShop.apiKeys.create.mutate({ name: 'shop', scopes: ['send', 'read', 'manage'] });
  const shop = createTidings({ url, apiKey: key });

  // Somebody with a language, two devices, and no wish for offers by push.
  await shop.recipients.upsert.mutate({
    externalId: 'customer-1',
    name: person.name,
    email: person.email,
    locale: 'fr-CA',
    timezone: 'Europe/Paris',
    attributes: { greeting: `Chère ${person.name}` },
  });
  for (const token of [person.phone, person.tablet]) {
    await shop.devices.register.mutate({ recipientId: 'customer-1', platform: 'fcm', token });
  }
  await shop.preferences.set.mutate({
    recipientId: 'customer-1',
    preferences: [{ channel: 'push', category: 'offers', enabled: false }],
  });

  // A template in two languages.
  const contentIn = (subject: string, text: string) => ({
    email: { subject: `${subject} {{ order }}`, html: `<p>{{ recipient.attributes.greeting }}: ${text}</p>` },
    push: { title: subject, body: `{{ order }}: ${text}` },
  });
  const { revision } = await shop.templates.create.mutate({
    key: 'shipped',
    category: 'orders',
    schema: { type: 'object', required: ['order'], properties: { order: { type: 'string' } } },
    content: {
      en: contentIn('Your order', 'it is on its way.'),
      fr: contentIn('Votre commande', 'elle est en route.'),
    },
  });
  await shop.templates.publish.mutate({ key: 'shipped', revision });

  // It arrives in French, by mail and on both devices, each with a result of its own.
  const to = { recipientId: 'customer-1' };
  const sent = await shop.notifications.send.mutate({ to, template: 'shipped', data: { order } });
  const messages = await Promise.all(sent.messages.map(({ id }) => ended(shop, id)));
  expect(messages.map(({ channel, status }) => `${channel} ${status}`).sort()).toEqual([
    'email sent',
    'push sent',
    'push sent',
  ]);
  const mail = await PostalMime.parse((await mails.waitFor(1))[0]?.raw ?? '');
  expect(mail.to).toEqual([{ name: person.name, address: person.email }]);
  expect(mail.subject).toBe(`Votre commande ${order}`);
  expect(mail.text).toContain(`Chère ${person.name}: elle est en route.`);
  expect(pushes.taken.map(({ token, notification }) => [token, notification.body]).sort()).toEqual([
    [person.phone, `${order}: elle est en route.`],
    [person.tablet, `${order}: elle est en route.`],
  ]);

  // A send that lacks a variable is refused by its name.
  await expect(shop.notifications.send.mutate({ to, template: 'shipped', data: {} })).rejects.toMatchObject({
    code: 'invalid_variables',
    problem: { errors: [{ pointer: '/data/order' }] },
  });

  // Opting out, with a token of its own as from its own front end.
  const { token } = await shop.recipients.createToken.mutate(to);
  await createTidings({ url, accessToken: () => token }).preferences.set.mutate({
    ...to,
    preferences: [{ channel: 'email', category: 'orders', enabled: false }],
  });
  const more = await shop.notifications.send.mutate({
    to,
    template: 'shipped',
    data: { order },
    channels: ['email'],
  });
  const skipped = await ended(shop, more.messages[0]?.id ?? '');
  expect(skipped).toMatchObject({ status: 'skipped', reason: 'opted_out', attempts: [] });

  // What is known is handed out, and what is planned is called off, when the person wants to be forgotten.
  const later = await shop.notifications.send.mutate({
    to,
    template: 'shipped',
    data: { order },
    sendAt: new Date(Date.now() + 3_600_000).toISOString(),
  });
  const exported = JSON.stringify(await shop.recipients.export.query(to));
  for (const known of [...Object.values(person), order]) expect(exported).toContain(known);
  expect(await places()).not.toEqual([]);
  const { complete } = await shop.recipients.erase.mutate(to);
  expect(complete).toBe(true);
  for (const { id } of later.messages) {
    expect(await shop.messages.get.query({ id })).toMatchObject({ status: 'skipped', reason: 'erased' });
  }
  await expect(shop.recipients.get.query(to)).rejects.toMatchObject({ code: 'not_found' });
  expect(await places()).toEqual([]);

  // What happened is still on record, and who did it.
  expect(await shop.messages.get.query({ id: skipped.id })).toMatchObject({ reason: 'opted_out' });
  const { items } = await inShop.audit.list.query({ action: 'recipients.erase' });
  expect(items).toMatchObject([{ actor: { kind: 'key' } }]);

  await service.end('SIGTERM');
  expect(await places()).toEqual([]);
  expect(service.output()).toContain('"level"');
});

/** Where anything of the person is found: rows of the record, the queue, files, what the service printed. */
async function places(): Promise<string[]> {
  const found: string[] = [];
  const look = (place: string, bytes: Buffer) => {
    const text = bytes.toString('latin1').toLowerCase();
    const hits = [...Object.values(person), order].filter((known) => text.includes(known.toLowerCase()));
    if (hits.length > 0) found.push(`${place}: ${hits}`);
  };
  const record = await openRecord(dir.path);
  for (const table of Object.values(tables)) {
    const name = getTableName(table);
    look(`table ${name}`, Buffer.from(JSON.stringify(await record.query(`SELECT * FROM "${name}"`))));
  }
  await record.database.close();
  for (const path of readdirSync(dir.path, { recursive: true, withFileTypes: true })) {
    if (path.isFile()) look(`file ${path.name}`, readFileSync(join(path.parentPath, path.name)));
  }
  const { REDIS_URL } = await enginesOf(dir.path);
  if (REDIS_URL.startsWith('redis:')) {
    const redis = new Redis(REDIS_URL);
    for (const key of await redis.keys('*')) look(`key ${key}`, (await redis.dumpBuffer(key)) ?? Buffer.of());
    await redis.quit();
  }
  look('log', Buffer.from(service.output()));
  return found;
}
