import type { ProviderSettings } from '@tidings/contracts';
import type { Config } from '@tidings/runtime';
import { createFcmProvider } from '../providers/fcm.ts';
import { createAccessTokens } from '../providers/fcm-access-tokens.ts';
import { createOneSignalProvider } from '../providers/onesignal.ts';
import type { Provider } from '../providers/provider.ts';
import { createSendGridProvider } from '../providers/sendgrid.ts';
import { createSmtpProvider } from '../providers/smtp.ts';
import { createWebPushProvider } from '../providers/web-push.ts';

/** What of the environment holds for the providers of projects too. */
export type ProviderDefaults = Pick<
  Config,
  | 'SMTP_CONNECTIONS'
  | 'SENDGRID_BASE_URL'
  | 'FCM_BASE_URL'
  | 'ONESIGNAL_BASE_URL'
  | 'OUTBOUND_ALLOWED_NETWORKS'
>;

/** Makes a provider of a project, once for each queue: they share what they may, and no connection. */
export function makeProvider(settings: ProviderSettings, defaults: ProviderDefaults): () => Provider {
  switch (settings.kind) {
    case 'smtp': {
      const { url, from, dkim } = settings;
      const maxConnections = defaults.SMTP_CONNECTIONS;
      return () => createSmtpProvider({ url, from, dkim, maxConnections }) as Provider;
    }
    case 'sendgrid': {
      const { apiKey, from, baseUrl = defaults.SENDGRID_BASE_URL } = settings;
      return () => createSendGridProvider({ apiKey, from, baseUrl }) as Provider;
    }
    case 'fcm': {
      const { serviceAccount, baseUrl = defaults.FCM_BASE_URL } = settings;
      const { token_uri = 'https://oauth2.googleapis.com/token', ...rest } = serviceAccount;
      const tokens = createAccessTokens({ account: { ...rest, token_uri } });
      return () => createFcmProvider({ projectId: rest.project_id, baseUrl, tokens }) as Provider;
    }
    case 'onesignal': {
      const { appId, apiKey, baseUrl = defaults.ONESIGNAL_BASE_URL } = settings;
      return () => createOneSignalProvider({ appId, apiKey, baseUrl }) as Provider;
    }
    case 'webpush': {
      const { publicKey, privateKey, subject } = settings;
      const vapid = { publicKey, privateKey, subject };
      const allowedNetworks = defaults.OUTBOUND_ALLOWED_NETWORKS;
      return () => createWebPushProvider({ vapid, allowedNetworks }) as Provider;
    }
  }
}
