import { randomUUID } from 'node:crypto';
import { ConfigError, instanceProviders } from '@tidings/runtime';
import { expect, test } from 'vitest';
import { startFcmSink } from '../../../../test/support/fcm-sink.ts';
import { startScriptedSmtp } from '../../../../test/support/scripted-smtp.ts';
import { makeServiceAccount } from '../../../../test/support/service-account.ts';
import { makeVapidKeys } from '../../../../test/support/web-push-sink.ts';
import { chooseProvider } from './choose-provider.ts';

const good = {
  DATA_DIR: '/nowhere',
  SMTP_URL: 'smtp://localhost:2525',
  SMTP_CONNECTIONS: 16,
  SENDGRID_BASE_URL: 'https://sendgrid.example',
  EMAIL_FROM: 'Acme <hello@acme.example>',
  FCM_BASE_URL: 'https://fcm.example',
  ONESIGNAL_BASE_URL: 'https://onesignal.example',
};

const { publicKey: VAPID_PUBLIC_KEY, privateKey: VAPID_PRIVATE_KEY } = makeVapidKeys();
const vapid = { VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT: 'mailto:push@acme.example' };

test('e-mail goes by SMTP or else SendGrid, push by each platform’s provider, as they are set, else to files', () => {
  const nameOf = (
    config: Parameters<typeof chooseProvider>[0],
    queue: 'email' | 'push' | 'push-critical',
  ) => {
    const { name } = chooseProvider(config)(queue);
    const channel = queue === 'email' ? 'email' : 'push';
    const named = instanceProviders(config)[channel].map((one) => one.name);
    // As a dry run says it.
    expect(named.join('+') || `${channel}-outbox`).toBe(name);
    return name;
  };
  const { SMTP_URL: _, ...withoutSmtp } = good;
  expect(nameOf(good, 'email')).toBe('smtp');
  expect(nameOf(withoutSmtp, 'email')).toBe('email-outbox');
  expect(nameOf({ ...withoutSmtp, SENDGRID_API_KEY: 'SG.key' }, 'email')).toBe('sendgrid');
  expect(nameOf({ ...good, SENDGRID_API_KEY: 'SG.key' }, 'email')).toBe('smtp');
  expect(nameOf(good, 'push')).toBe('push-outbox');
  const withFcm = { ...good, FCM_SERVICE_ACCOUNT: makeServiceAccount().account };
  expect(nameOf(withFcm, 'push')).toBe('fcm');
  expect(nameOf(withFcm, 'push-critical')).toBe('fcm');
  expect(nameOf(withFcm, 'email')).toBe('smtp');
  expect(nameOf({ ...good, ...vapid }, 'push')).toBe('web-push');
  expect(nameOf({ ...withFcm, ...vapid }, 'push-critical')).toBe('fcm+web-push');
  const oneSignal = { ONESIGNAL_APP_ID: randomUUID(), ONESIGNAL_API_KEY: 'key' };
  expect(nameOf({ ...good, ...oneSignal }, 'push')).toBe('onesignal');
  expect(nameOf({ ...withFcm, ...oneSignal, ...vapid }, 'push')).toBe('fcm+onesignal+web-push');
});

test('each e-mail queue opens as many connections as it may, and no more', async () => {
  const sink = await startScriptedSmtp();
  const providerFor = chooseProvider({ ...good, SMTP_URL: sink.url, SMTP_CONNECTIONS: 3 });
  const providers = [providerFor('email'), providerFor('email-critical')];
  const mail = {
    messageId: 'msg_1',
    address: 'ada@example.com',
    platform: null,
    toName: null,
    date: 0,
    content: { channel: 'email', subject: 'Hi', text: 'there' },
  } as const;
  const sending = providers.flatMap((provider) => Array.from({ length: 9 }, () => provider.send(mail)));
  await Promise.all(sending);
  expect(sink.messages).toHaveLength(18);
  expect(sink.connections.most).toBe(6);
  for (const provider of providers) await provider.close();
  await sink.stop();
});

test('the push queues have a connection each and share one access token', async () => {
  const sink = await startFcmSink();
  const config = {
    ...good,
    FCM_SERVICE_ACCOUNT: sink.account,
    FCM_BASE_URL: sink.url,
    FCM_TOKEN_URL: sink.tokens.url,
  };
  const providerFor = chooseProvider(config);
  const providers = [providerFor('push'), providerFor('push-critical')];
  expect(await Promise.all(providers.map((provider) => provider.probe()))).toEqual([true, true]);
  expect([sink.sessions.total, sink.tokens.requests]).toEqual([2, 1]);
  await Promise.all(providers.map((provider) => provider.close()));
  await sink.stop();
});

test('settings that cannot be read are told together, before anything starts, without the password', () => {
  const private_key = '-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n';
  const bad = {
    ...good,
    SMTP_URL: 'smtp://user:s3cret@host?retry=1',
    EMAIL_FROM: 'nobody',
    DKIM_DOMAIN: 'acme.example',
    DKIM_SELECTOR: 'tidings',
    DKIM_PRIVATE_KEY: private_key,
    FCM_SERVICE_ACCOUNT: makeServiceAccount({ private_key }).account,
    ...vapid,
    VAPID_PRIVATE_KEY: makeVapidKeys().privateKey,
  };
  expect(() => chooseProvider(bad)).toThrow(ConfigError);
  expect(() => chooseProvider(bad)).toThrow(
    /SMTP_URL: .*retry[\s\S]*EMAIL_FROM: [\s\S]*DKIM_PRIVATE_KEY: is not a readable RSA key[\s\S]*FCM_SERVICE_ACCOUNT: private_key[\s\S]*VAPID_PRIVATE_KEY: /,
  );
  expect(() => chooseProvider(bad)).not.toThrow(/s3cret/);
});
