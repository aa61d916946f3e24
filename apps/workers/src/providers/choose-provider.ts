import { join } from 'node:path';
import type { QueueName } from '@tidings/contracts';
import { type Config, ConfigError, instanceProviders, parseSmtpUrl } from '@tidings/runtime';
import { createDkimSigner, type DkimKey } from './dkim.ts';
import { createEmailOutbox } from './email-outbox.ts';
import { createFcmProvider } from './fcm.ts';
import { createAccessTokens } from './fcm-access-tokens.ts';
import { readSigningKey } from './fcm-token-request.ts';
import { parseMailbox } from './mime.ts';
import { createOneSignalProvider } from './onesignal.ts';
import type { Provider, RenderedPush } from './provider.ts';
import { createPushByPlatform } from './push-by-platform.ts';
import { createPushOutbox } from './push-outbox.ts';
import { createSendGridProvider } from './sendgrid.ts';
import { createSmtpProvider } from './smtp.ts';
import { createWebPushProvider } from './web-push.ts';
import { checkVapidKeys } from './web-push-request.ts';

type ProviderConfig = Pick<
  Config,
  | 'DATA_DIR'
  | 'SMTP_URL'
  | 'SMTP_CONNECTIONS'
  | 'SENDGRID_API_KEY'
  | 'SENDGRID_BASE_URL'
  | 'EMAIL_FROM'
  | 'DKIM_DOMAIN'
  | 'DKIM_SELECTOR'
  | 'DKIM_PRIVATE_KEY'
  | 'FCM_SERVICE_ACCOUNT'
  | 'FCM_BASE_URL'
  | 'FCM_TOKEN_URL'
  | 'ONESIGNAL_APP_ID'
  | 'ONESIGNAL_API_KEY'
  | 'ONESIGNAL_BASE_URL'
  | 'VAPID_PUBLIC_KEY'
  | 'VAPID_PRIVATE_KEY'
  | 'VAPID_SUBJECT'
  | 'OUTBOUND_ALLOWED_NETWORKS'
>;

/**
 * The provider of each queue: of e-mail SMTP, or else SendGrid, of push FCM, OneSignal and Web Push for their
 * platforms, as they are set; with none, files in `DATA_DIR/outbox`.
 *
 * @throws ConfigError when a setting cannot be used, before anything is started.
 */
export function chooseProvider(config: ProviderConfig): (queue: QueueName) => Provider {
  const { SMTP_URL, EMAIL_FROM, FCM_SERVICE_ACCOUNT } = config;
  const { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey } = config;
  const dkim = dkimKey(config);
  const faults = [
    ...faultsOf('SMTP_URL', () => SMTP_URL !== undefined && parseSmtpUrl(SMTP_URL)),
    ...faultsOf('EMAIL_FROM', () => parseMailbox(EMAIL_FROM)),
    ...faultsOf('DKIM_PRIVATE_KEY', () => dkim && createDkimSigner(dkim)),
    ...faultsOf('FCM_SERVICE_ACCOUNT', () => FCM_SERVICE_ACCOUNT && readSigningKey(FCM_SERVICE_ACCOUNT)),
    ...faultsOf(
      'VAPID_PRIVATE_KEY',
      () => publicKey && privateKey && checkVapidKeys({ publicKey, privateKey }),
    ),
  ];
  if (faults.length > 0) throw new ConfigError(faults);
  const outbox = join(config.DATA_DIR, 'outbox');
  const createEmail = () => email(config, outbox);
  const creators = { fcm, onesignal: oneSignal, webpush: webPush };
  const pushProviders = instanceProviders(config)
    .push.map(({ kind }) => creators[kind as keyof typeof creators](config))
    .filter((one) => one !== undefined);
  const createPush = () => push(pushProviders, outbox);
  return (queue) => (queue === 'push' || queue === 'push-critical' ? createPush() : createEmail());
}

function push(creators: Array<() => Provider<RenderedPush>>, outbox: string): Provider {
  const [first, ...others] = creators.map((create) => create());
  if (first === undefined) return createPushOutbox({ dir: join(outbox, 'push') }) as Provider;
  return (others.length === 0 ? first : createPushByPlatform([first, ...others])) as Provider;
}

function email(config: ProviderConfig, outbox: string): Provider {
  const { SMTP_URL: url, SMTP_CONNECTIONS: maxConnections, EMAIL_FROM: from } = config;
  const { SENDGRID_API_KEY: apiKey, SENDGRID_BASE_URL: baseUrl } = config;
  const dkim = dkimKey(config);
  const [chosen] = instanceProviders(config).email;
  if (chosen?.kind === 'smtp' && url) {
    return createSmtpProvider({ url, from, dkim, maxConnections }) as Provider;
  }
  if (chosen?.kind === 'sendgrid' && apiKey) {
    return createSendGridProvider({ apiKey, baseUrl, from }) as Provider;
  }
  return createEmailOutbox({ dir: outbox, from, dkim }) as Provider;
}

/** All of it or nothing, by contract. */
function dkimKey(config: ProviderConfig): DkimKey | undefined {
  const { DKIM_DOMAIN: domain, DKIM_SELECTOR: selector, DKIM_PRIVATE_KEY: privateKey } = config;
  return domain && selector && privateKey ? { domain, selector, privateKey } : undefined;
}

/** Each queue has a connection of its own; the access token is one for all. */
function fcm(config: ProviderConfig): (() => Provider<RenderedPush>) | undefined {
  const { FCM_SERVICE_ACCOUNT: account, FCM_BASE_URL: baseUrl, FCM_TOKEN_URL: url } = config;
  if (account === undefined) return undefined;
  const tokens = createAccessTokens({ account, url });
  return () => createFcmProvider({ projectId: account.project_id, baseUrl, tokens });
}

function oneSignal(config: ProviderConfig): (() => Provider<RenderedPush>) | undefined {
  const { ONESIGNAL_APP_ID: appId, ONESIGNAL_API_KEY: apiKey, ONESIGNAL_BASE_URL: baseUrl } = config;
  if (appId === undefined || apiKey === undefined) return undefined;
  return () => createOneSignalProvider({ appId, apiKey, baseUrl });
}

function webPush(config: ProviderConfig): (() => Provider<RenderedPush>) | undefined {
  const { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey, VAPID_SUBJECT: subject } = config;
  if (publicKey === undefined || privateKey === undefined || subject === undefined) return undefined;
  const vapid = { publicKey, privateKey, subject };
  return () => createWebPushProvider({ vapid, allowedNetworks: config.OUTBOUND_ALLOWED_NETWORKS });
}

function faultsOf(name: string, read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    return [`${name}: ${error instanceof Error ? error.message : String(error)}`];
  }
}
