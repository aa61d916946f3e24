import { join } from 'node:path';
import type { QueueName } from '@tidings/contracts';
import { type Config, ConfigError, parseSmtpUrl } from '@tidings/runtime';
import { createDkimSigner, type DkimKey } from './dkim.ts';
import { createEmailOutbox } from './email-outbox.ts';
import { createFcmProvider } from './fcm.ts';
import { createAccessTokens } from './fcm-access-tokens.ts';
import { readSigningKey } from './fcm-token-request.ts';
import { parseMailbox } from './mime.ts';
import type { Provider } from './provider.ts';
import { createPushOutbox } from './push-outbox.ts';
import { createSmtpProvider } from './smtp.ts';

type ProviderConfig = Pick<
  Config,
  | 'DATA_DIR'
  | 'SMTP_URL'
  | 'SMTP_CONNECTIONS'
  | 'EMAIL_FROM'
  | 'DKIM_DOMAIN'
  | 'DKIM_SELECTOR'
  | 'DKIM_PRIVATE_KEY'
  | 'FCM_SERVICE_ACCOUNT'
  | 'FCM_BASE_URL'
  | 'FCM_TOKEN_URL'
>;

/**
 * The provider of each queue: SMTP and FCM where they are set, else files in `DATA_DIR/outbox`.
 *
 * @throws ConfigError when a setting cannot be used, before anything is started.
 */
export function chooseProvider(config: ProviderConfig): (queue: QueueName) => Provider {
  const { SMTP_URL, SMTP_CONNECTIONS, EMAIL_FROM, FCM_SERVICE_ACCOUNT } = config;
  const dkim = dkimKey(config);
  const faults = [
    ...faultsOf('SMTP_URL', () => SMTP_URL !== undefined && parseSmtpUrl(SMTP_URL)),
    ...faultsOf('EMAIL_FROM', () => parseMailbox(EMAIL_FROM)),
    ...faultsOf('DKIM_PRIVATE_KEY', () => dkim && createDkimSigner(dkim)),
    ...faultsOf('FCM_SERVICE_ACCOUNT', () => FCM_SERVICE_ACCOUNT && readSigningKey(FCM_SERVICE_ACCOUNT)),
  ];
  if (faults.length > 0) throw new ConfigError(faults);
  const outbox = join(config.DATA_DIR, 'outbox');
  const createEmail = (): Provider =>
    (SMTP_URL === undefined
      ? createEmailOutbox({ dir: outbox, from: EMAIL_FROM, dkim })
      : createSmtpProvider({
          url: SMTP_URL,
          from: EMAIL_FROM,
          dkim,
          maxConnections: SMTP_CONNECTIONS,
        })) as Provider;
  const createPush =
    fcm(config) ?? ((): Provider => createPushOutbox({ dir: join(outbox, 'push') }) as Provider);
  return (queue) => (queue === 'push' || queue === 'push-critical' ? createPush() : createEmail());
}

/** All of it or nothing, by contract. */
function dkimKey(config: ProviderConfig): DkimKey | undefined {
  const { DKIM_DOMAIN: domain, DKIM_SELECTOR: selector, DKIM_PRIVATE_KEY: privateKey } = config;
  return domain && selector && privateKey ? { domain, selector, privateKey } : undefined;
}

/** Each queue has a connection of its own; the access token is one for all. */
function fcm(config: ProviderConfig): (() => Provider) | undefined {
  const { FCM_SERVICE_ACCOUNT: account, FCM_BASE_URL: baseUrl, FCM_TOKEN_URL: url } = config;
  if (account === undefined) return undefined;
  const tokens = createAccessTokens({ account, url });
  return () => createFcmProvider({ projectId: account.project_id, baseUrl, tokens }) as Provider;
}

function faultsOf(name: string, read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    return [`${name}: ${error instanceof Error ? error.message : String(error)}`];
  }
}
