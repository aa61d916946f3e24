import { createPrivateKey } from 'node:crypto';
import { type ErrorDetail, type JsonObject, type ProviderSettings, TidingsError } from '@tidings/contracts';
import { parseSmtpUrl, readP256PublicKey } from '@tidings/runtime';

/** What may be shown of a provider's settings. A list of what is shown, so that a new secret is not. */
export function shownOf(settings: ProviderSettings): JsonObject {
  const { connections } = settings as { connections?: number };
  return { ...identityOf(settings), ...(connections && { connections }) };
}

function identityOf(settings: ProviderSettings): JsonObject {
  switch (settings.kind) {
    case 'smtp': {
      const { url, from, dkim } = settings;
      const { protocol, host, search } = new URL(url);
      const server = `${protocol}//${host}${search}`;
      return { server, from, ...(dkim && { dkim: { domain: dkim.domain, selector: dkim.selector } }) };
    }
    case 'sendgrid': {
      const { from, baseUrl, webhookPublicKey } = settings;
      return { from, ...(baseUrl && { baseUrl }), ...(webhookPublicKey && { webhookPublicKey }) };
    }
    case 'fcm': {
      const { serviceAccount, baseUrl } = settings;
      const { project_id: projectId, client_email: clientEmail } = serviceAccount;
      return { projectId, clientEmail, ...(baseUrl && { baseUrl }) };
    }
    case 'onesignal':
      return { appId: settings.appId, ...(settings.baseUrl && { baseUrl: settings.baseUrl }) };
    case 'webpush':
      return { publicKey: settings.publicKey, subject: settings.subject };
  }
}

/**
 * Finds what the schema could not: a URL that is none of SMTP, a key that cannot be read.
 *
 * @throws TidingsError `invalid_provider`, its details without secrets.
 */
export function checkSettings(settings: ProviderSettings): void {
  const errors = faultsOf(settings);
  if (errors.length > 0) throw new TidingsError('invalid_provider', { errors });
}

function faultsOf(settings: ProviderSettings): ErrorDetail[] {
  switch (settings.kind) {
    case 'smtp':
      return [
        ...faultOf('/settings/url', () => parseSmtpUrl(settings.url)),
        ...faultOfSender(settings.from),
        ...(settings.dkim ? faultOfKey('/settings/dkim/privateKey', settings.dkim.privateKey, 1024) : []),
      ];
    case 'sendgrid': {
      const { from, webhookPublicKey: key } = settings;
      return [
        ...faultOfSender(from),
        ...(key ? faultOf('/settings/webhookPublicKey', () => readP256PublicKey(key)) : []),
      ];
    }
    case 'fcm':
      return faultOfKey('/settings/serviceAccount/private_key', settings.serviceAccount.private_key, 2048);
    default:
      return [];
  }
}

function faultOf(pointer: string, read: () => unknown): ErrorDetail[] {
  try {
    read();
    return [];
  } catch (error) {
    return [{ pointer, detail: error instanceof Error ? error.message : String(error) }];
  }
}

const mailbox = /^(?:[^<>@,;]*<([!-;=?A-~]+@[!-;=?A-~]+)>|([!-;=?A-~]+@[!-;=?A-~]+))$/;

function faultOfSender(from: string): ErrorDetail[] {
  if (mailbox.test(from)) return [];
  return [{ pointer: '/settings/from', detail: 'must be one mailbox such as Acme <hello@acme.example>' }];
}

function faultOfKey(pointer: string, pem: string, bits: number): ErrorDetail[] {
  try {
    const key = createPrivateKey(pem);
    if ((key.asymmetricKeyDetails?.modulusLength ?? 0) >= bits) return [];
  } catch {
    // What is wrong with it says nothing that may be told.
  }
  return [{ pointer, detail: `is not a readable RSA key of ${bits} bits or more` }];
}
