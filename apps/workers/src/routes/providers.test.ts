import { randomUUID } from 'node:crypto';
import { ConfigError, instanceProviders } from '@tidings/runtime';
import { expect, test } from 'vitest';
import { startFcmSink } from '../../../../test/support/fcm-sink.ts';
import { startScriptedSmtp } from '../../../../test/support/scripted-smtp.ts';
import { makeServiceAccount } from '../../../../test/support/service-account.ts';
import { makeVapidKeys } from '../../../../test/support/web-push-sink.ts';
import { findProviders } from './providers.ts';

const good = {
  DATA_DIR: '/nowhere',
  SMTP_URL: ['smtp://localhost:2525'],
  SMTP_CONNECTIONS: 16,
  SENDGRID_BASE_URL: 'https://sendgrid.example',
  EMAIL_FROM: 'Acme <hello@acme.example>',
  FCM_BASE_URL: 'https://fcm.example',
  ONESIGNAL_BASE_URL: 'https://onesignal.example',
};

const { publicKey: VAPID_PUBLIC_KEY, privateKey: VAPID_PRIVATE_KEY } = makeVapidKeys();
const vapid = { VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT: 'mailto:push@acme.example' };

test('the providers of each channel are those that are set, in their order, or files', () => {
  const namesOf = (config: Parameters<typeof findProviders>[0]) => {
    const { email, push } = findProviders(config).instance;
    const names = (makes: typeof email) => makes.map((make) => make().name).join(' ');
    const named = { email: names(email), push: names(push) };
    // As a dry run says it.
    const ahead = instanceProviders(config);
    for (const channel of ['email', 'push'] as const) {
      expect(ahead[channel].map(({ name }) => name).join(' ') || `${channel}-outbox`).toBe(named[channel]);
    }
    return named;
  };
  const { SMTP_URL: _, ...withoutSmtp } = good;
  const sendgrid = { SENDGRID_API_KEY: 'SG.key' };
  const two = { SMTP_URL: ['smtp://one.example', 'smtps://two.example'] };
  expect(namesOf(good)).toEqual({ email: 'smtp', push: 'push-outbox' });
  expect(namesOf(withoutSmtp).email).toBe('email-outbox');
  expect(namesOf({ ...withoutSmtp, ...sendgrid }).email).toBe('sendgrid');
  expect(namesOf({ ...good, ...two, ...sendgrid }).email).toBe('smtp smtp-2 sendgrid');
  const withFcm = { ...good, FCM_SERVICE_ACCOUNT: makeServiceAccount().account };
  expect(namesOf(withFcm)).toEqual({ email: 'smtp', push: 'fcm' });
  expect(namesOf({ ...good, ...vapid }).push).toBe('web-push');
  const oneSignal = { ONESIGNAL_APP_ID: randomUUID(), ONESIGNAL_API_KEY: 'key' };
  expect(namesOf({ ...withFcm, ...oneSignal, ...vapid }).push).toBe('fcm onesignal web-push');
});

test('each e-mail queue opens as many connections as it may, and no more', async () => {
  const sink = await startScriptedSmtp();
  const { instance } = findProviders({ ...good, SMTP_URL: [sink.url], SMTP_CONNECTIONS: 3 });
  const providers = instance.email.flatMap((make) => [make(), make()]);
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
  const { instance } = findProviders({
    ...good,
    FCM_SERVICE_ACCOUNT: sink.account,
    FCM_BASE_URL: sink.url,
    FCM_TOKEN_URL: sink.tokens.url,
  });
  const providers = instance.push.flatMap((make) => [make(), make()]);
  expect(await Promise.all(providers.map((provider) => provider.probe()))).toEqual([true, true]);
  expect([sink.sessions.total, sink.tokens.requests]).toEqual([2, 1]);
  await Promise.all(providers.map((provider) => provider.close()));
  await sink.stop();
});

test('settings that cannot be read are told together, before anything starts, without the password', () => {
  const private_key = '-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n';
  const bad = {
    ...good,
    SMTP_URL: ['smtp://user:s3cret@host?retry=1'],
    EMAIL_FROM: 'nobody',
    DKIM_DOMAIN: 'acme.example',
    DKIM_SELECTOR: 'tidings',
    DKIM_PRIVATE_KEY: private_key,
    FCM_SERVICE_ACCOUNT: makeServiceAccount({ private_key }).account,
    ...vapid,
    VAPID_PRIVATE_KEY: makeVapidKeys().privateKey,
  };
  expect(() => findProviders(bad)).toThrow(ConfigError);
  expect(() => findProviders(bad)).toThrow(
    /SMTP_URL: .*retry[\s\S]*EMAIL_FROM: [\s\S]*DKIM_PRIVATE_KEY: is not a readable RSA key[\s\S]*FCM_SERVICE_ACCOUNT: private_key[\s\S]*VAPID_PRIVATE_KEY: /,
  );
  expect(() => findProviders(bad)).not.toThrow(/s3cret/);
});
