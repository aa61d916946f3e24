import { join } from 'node:path';
import { providerSettings } from '@tidings/contracts';
import { type Config, ConfigError, findSeal, parseSmtpUrl, type Seal } from '@tidings/runtime';
import { createDkimSigner, type DkimKey } from '../providers/dkim.ts';
import { createEmailOutbox } from '../providers/email-outbox.ts';
import { createFcmProvider } from '../providers/fcm.ts';
import { createAccessTokens } from '../providers/fcm-access-tokens.ts';
import { readSigningKey } from '../providers/fcm-token-request.ts';
import { parseMailbox } from '../providers/mime.ts';
import { createOneSignalProvider } from '../providers/onesignal.ts';
import type { Provider } from '../providers/provider.ts';
import { createPushOutbox } from '../providers/push-outbox.ts';
import { createSendGridProvider } from '../providers/sendgrid.ts';
import { createSmtpProvider } from '../providers/smtp.ts';
import { createWebPushProvider } from '../providers/web-push.ts';
import { checkVapidKeys } from '../providers/web-push-request.ts';
import type { MakeProvider } from './leg.ts';
import { makeProvider } from './project-provider.ts';
import type { Providers } from './routes.ts';

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
  | 'ENCRYPTION_KEY'
  | 'ENCRYPTION_KEY_PREVIOUS'
>;

/**
 * The providers of the environment: for e-mail the servers of SMTP, then SendGrid; for push FCM, OneSignal and Web
 * Push, each for its platform; those that are set, and with none files in `DATA_DIR/outbox`. Those of projects are
 * made of what they have on record.
 *
 * @throws ConfigError when a setting cannot be used, before anything is started.
 */
export function findProviders(config: ProviderConfig): Providers {
  const { SMTP_URL, EMAIL_FROM, FCM_SERVICE_ACCOUNT } = config;
  const { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey } = config;
  const dkim = dkimKey(config);
  const faults = [
    ...faultsOf('SMTP_URL', () => SMTP_URL?.map(parseSmtpUrl)),
    ...faultsOf('EMAIL_FROM', () => parseMailbox(EMAIL_FROM)),
    ...faultsOf('DKIM_PRIVATE_KEY', () => dkim && createDkimSigner(dkim)),
    ...faultsOf('FCM_SERVICE_ACCOUNT', () => FCM_SERVICE_ACCOUNT && readSigningKey(FCM_SERVICE_ACCOUNT)),
    ...faultsOf(
      'VAPID_PRIVATE_KEY',
      () => publicKey && privateKey && checkVapidKeys({ publicKey, privateKey }),
    ),
  ];
  if (faults.length > 0) throw new ConfigError(faults);
  let seal: Seal | undefined;
  return {
    instance: { email: email(config), push: push(config) },
    ofProject: ({ id, sealed }) => {
      seal ??= findSeal(config);
      return makeProvider(providerSettings.parse(JSON.parse(seal.open(sealed, id))), config);
    },
  };
}

function push(config: ProviderConfig): MakeProvider[] {
  const found = [fcm(config), oneSignal(config), webPush(config)].filter((one) => one !== undefined);
  const dir = join(config.DATA_DIR, 'outbox', 'push');
  return found.length > 0 ? found : [() => createPushOutbox({ dir }) as Provider];
}

function email(config: ProviderConfig): MakeProvider[] {
  const { SMTP_CONNECTIONS: maxConnections, EMAIL_FROM: from } = config;
  const { SENDGRID_API_KEY: apiKey, SENDGRID_BASE_URL: baseUrl } = config;
  const dkim = dkimKey(config);
  const found = (config.SMTP_URL ?? []).map((url, index): MakeProvider => {
    const name = index === 0 ? 'smtp' : `smtp-${index + 1}`;
    return () => createSmtpProvider({ name, url, from, dkim, maxConnections }) as Provider;
  });
  if (apiKey !== undefined) found.push(() => createSendGridProvider({ apiKey, baseUrl, from }) as Provider);
  const dir = join(config.DATA_DIR, 'outbox');
  return found.length > 0 ? found : [() => createEmailOutbox({ dir, from, dkim }) as Provider];
}

/** All of it or nothing, by contract. */
function dkimKey(config: ProviderConfig): DkimKey | undefined {
  const { DKIM_DOMAIN: domain, DKIM_SELECTOR: selector, DKIM_PRIVATE_KEY: privateKey } = config;
  return domain && selector && privateKey ? { domain, selector, privateKey } : undefined;
}

/** Each queue has a connection of its own; the access token is one for all. */
function fcm(config: ProviderConfig): MakeProvider | undefined {
  const { FCM_SERVICE_ACCOUNT: account, FCM_BASE_URL: baseUrl, FCM_TOKEN_URL: url } = config;
  if (account === undefined) return undefined;
  const tokens = createAccessTokens({ account, url });
  return () => createFcmProvider({ projectId: account.project_id, baseUrl, tokens }) as Provider;
}

function oneSignal(config: ProviderConfig): MakeProvider | undefined {
  const { ONESIGNAL_APP_ID: appId, ONESIGNAL_API_KEY: apiKey, ONESIGNAL_BASE_URL: baseUrl } = config;
  if (appId === undefined || apiKey === undefined) return undefined;
  return () => createOneSignalProvider({ appId, apiKey, baseUrl }) as Provider;
}

function webPush(config: ProviderConfig): MakeProvider | undefined {
  const { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey, VAPID_SUBJECT: subject } = config;
  if (publicKey === undefined || privateKey === undefined || subject === undefined) return undefined;
  const vapid = { publicKey, privateKey, subject };
  return () =>
    createWebPushProvider({ vapid, allowedNetworks: config.OUTBOUND_ALLOWED_NETWORKS }) as Provider;
}

function faultsOf(name: string, read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    return [`${name}: ${error instanceof Error ? error.message : String(error)}`];
  }
}
