import type { AccessTokens } from './fcm-access-tokens.ts';
import {
  AccessTokenFailure,
  classifyFcmReply,
  classifyHttp2Failure,
  classifyTokenFailure,
  isTokenRefused,
} from './fcm-failures.ts';
import { composeFcmMessage } from './fcm-message.ts';
import { createHttp2Connection, type Http2ConnectionOptions } from './http2-connection.ts';
import { Http2Failure, type Http2Reply } from './http2-session.ts';
import type { Delivery, Provider, ProviderResult, RenderedPush } from './provider.ts';

/**
 * Sends push messages by FCM HTTP v1, many at once over one HTTP/2 connection. `baseUrl` may have a path, as that
 * of a gateway has; `http:` means HTTP/2 in the clear.
 *
 * @throws at once when `baseUrl` is no URL
 */
export function createFcmProvider(
  options: Omit<Http2ConnectionOptions, 'origin'> & {
    projectId: string;
    baseUrl: string;
    tokens: AccessTokens;
    /** Milliseconds since the epoch. */
    now?: () => number;
  },
): Provider<RenderedPush> {
  const { projectId, baseUrl, tokens, now = Date.now, ...connectionOptions } = options;
  const { origin, pathname } = new URL(baseUrl);
  const path = `${pathname.replace(/\/$/, '')}/v1/projects/${encodeURIComponent(projectId)}/messages:send`;
  const connection = createHttp2Connection({ origin, ...connectionOptions });

  async function send(delivery: Delivery<RenderedPush>): Promise<ProviderResult> {
    const body = composeFcmMessage(delivery);
    try {
      const first = await post(body);
      // A token can be revoked before its time. The message was not looked at, so a second copy is none.
      const reply = isTokenRefused(first) ? await post(body) : first;
      return classifyFcmReply(reply, now());
    } catch (error) {
      if (error instanceof AccessTokenFailure) return classifyTokenFailure(error);
      if (error instanceof Http2Failure) return classifyHttp2Failure(error);
      throw error;
    }
  }

  async function post(body: string): Promise<Http2Reply> {
    const token = await tokens.get();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const reply = await connection.request({ path, headers, body });
    if (isTokenRefused(reply)) tokens.drop(token);
    // What a server says is kept on record, and it may quote what it was sent.
    return { ...reply, body: reply.body.replaceAll(token, '[access token]') };
  }

  async function probe(): Promise<boolean> {
    try {
      await Promise.all([tokens.get(), connection.probe()]);
      return true;
    } catch {
      return false;
    }
  }

  return { name: 'fcm', platforms: ['fcm'], send, probe, close: connection.close };
}
