import { createHttpClient, type HttpClientOptions, HttpFailure } from './http-client.ts';
import { withoutSecret } from './http-failures.ts';
import { classifyOneSignalFailure, classifyOneSignalReply } from './onesignal-failures.ts';
import { composeOneSignalNotification } from './onesignal-notification.ts';
import type { Delivery, Provider, ProviderResult, RenderedPush } from './provider.ts';

/**
 * Sends push messages by OneSignal's REST API, one subscription per request. `baseUrl` may have a path, as that of a
 * gateway has.
 *
 * @throws at once when `baseUrl` is no URL
 */
export function createOneSignalProvider(
  options: Omit<HttpClientOptions, 'connect'> & {
    appId: string;
    apiKey: string;
    baseUrl: string;
    /** Milliseconds since the epoch. */
    now?: () => number;
  },
): Provider<RenderedPush> {
  const { appId, apiKey, baseUrl, now = Date.now, ...clientOptions } = options;
  const url = `${new URL(baseUrl).href.replace(/\/$/, '')}/notifications`;
  const client = createHttpClient({ maxConnections: 64, ...clientOptions });
  const authorization = `Key ${apiKey}`;

  async function send(delivery: Delivery<RenderedPush>): Promise<ProviderResult> {
    const body = composeOneSignalNotification(delivery, appId, now());
    const headers = { authorization, 'content-type': 'application/json' };
    try {
      const reply = await client.request({ url, headers, body });
      return classifyOneSignalReply(withoutSecret(reply, apiKey), now());
    } catch (error) {
      if (error instanceof HttpFailure) return classifyOneSignalFailure(error);
      throw error;
    }
  }

  /** The key is good for the app: its latest message may be seen. */
  async function probe(): Promise<boolean> {
    const query = new URLSearchParams({ app_id: appId, limit: '1' });
    try {
      const { status } = await client.request({ url: `${url}?${query}`, headers: { authorization } });
      return status === 200;
    } catch {
      return false;
    }
  }

  return { name: 'onesignal', platforms: ['onesignal'], send, probe, close: client.close };
}
