import { createHttpClient, type HttpClientOptions, HttpFailure } from './http-client.ts';
import { classifyHttpFailure, withoutSecret } from './http-failures.ts';
import { parseMailbox } from './mime.ts';
import type { Delivery, Provider, ProviderResult, RenderedEmail } from './provider.ts';
import { classifySendGridReply } from './sendgrid-failures.ts';
import { composeSendGridMail } from './sendgrid-mail.ts';

/**
 * Sends e-mail by SendGrid's Web API v3, one recipient per request. `baseUrl` may have a path, as that of a gateway
 * has. `from` is a mailbox such as `Acme <hello@acme.example>`, a verified sender of the account.
 *
 * @throws at once when `baseUrl` or `from` cannot be read
 */
export function createSendGridProvider(
  options: Omit<HttpClientOptions, 'connect'> & {
    apiKey: string;
    baseUrl: string;
    from: string;
    /** Milliseconds since the epoch. */
    now?: () => number;
  },
): Provider<RenderedEmail> {
  const { apiKey, baseUrl, from, now = Date.now, ...clientOptions } = options;
  const sender = parseMailbox(from);
  const base = new URL(baseUrl).href.replace(/\/$/, '');
  const client = createHttpClient(clientOptions);
  const authorization = `Bearer ${apiKey}`;

  async function send(delivery: Delivery<RenderedEmail>): Promise<ProviderResult> {
    const body = composeSendGridMail(delivery, sender);
    const headers = { authorization, 'content-type': 'application/json' };
    try {
      const reply = await client.request({ url: `${base}/v3/mail/send`, headers, body });
      return classifySendGridReply(withoutSecret(reply, apiKey), now());
    } catch (error) {
      if (error instanceof HttpFailure) return classifyHttpFailure(error);
      throw error;
    }
  }

  /** The key is good, and good for sending. */
  async function probe(): Promise<boolean> {
    try {
      const { status, body } = await client.request({ url: `${base}/v3/scopes`, headers: { authorization } });
      return status === 200 && body.includes('"mail.send"');
    } catch {
      return false;
    }
  }

  return { name: 'sendgrid', send, probe, close: client.close };
}
