import { createSafeConnector, type Resolve } from '@tidings/runtime/safe-dial';
import { createHttpClient, type HttpClientOptions, HttpFailure } from './http-client.ts';
import type { Delivery, Provider, ProviderResult, RenderedPush } from './provider.ts';
import { classifyWebPushFailure, classifyWebPushReply, type WebPushContext } from './web-push-failures.ts';
import {
  composeWebPush,
  maxWebPushBytes,
  type VapidDetails,
  type WebPushRequest,
} from './web-push-request.ts';

/** The push services of Chrome, Firefox, Safari and Edge; with a dot before it, all names under it. */
const pushServices = [
  'fcm.googleapis.com',
  'jmt17.google.com',
  '.push.services.mozilla.com',
  '.push.apple.com',
  '.notify.windows.com',
];

/**
 * Sends Web Push messages (RFC 8030), each to the push service that its subscription names. That is a URL of
 * anybody's making: it is connected to at public addresses only, and what it says holds nobody else's messages.
 */
export function createWebPushProvider(
  options: Omit<HttpClientOptions, 'connect'> & {
    vapid: VapidDetails;
    /** Networks (CIDR) where push services may be, besides the public ones. */
    allowedNetworks?: readonly string[];
    resolve?: Resolve;
    /** Hosts whose word about our own credentials, and whose absence, holds the queue. */
    services?: readonly string[];
    /** Milliseconds since the epoch. */
    now?: () => number;
  },
): Provider<RenderedPush> {
  const { vapid, allowedNetworks, resolve, services = pushServices, now = Date.now } = options;
  const { connectTimeoutMs, tls, ...clientOptions } = options;
  const client = createHttpClient({
    maxConnections: 64,
    // Whoever is slow keeps a place that others wait for.
    replyTimeoutMs: 10_000,
    totalTimeoutMs: 20_000,
    ...clientOptions,
    connect: createSafeConnector({ allowedNetworks, resolve, tls, timeoutMs: connectTimeoutMs }),
  });
  /** The push service for which the queue was held last. */
  let awaited: string | undefined;

  async function send(delivery: Delivery<RenderedPush>): Promise<ProviderResult> {
    let request: WebPushRequest;
    try {
      request = composeWebPush(delivery, vapid, now());
    } catch (error) {
      const response = error instanceof Error ? error.message : String(error);
      return { outcome: 'bounced', reason: 'invalid_address', response };
    }
    const { length } = request.body;
    if (length > maxWebPushBytes) {
      const response = `The message has ${length} octets when encrypted, of which push services take ${maxWebPushBytes}`;
      return { outcome: 'rejected', reason: 'rejected', response };
    }
    const { origin, hostname } = new URL(request.url);
    const result = await post(request, {
      isKnownService: services.some((one) => isUnder(hostname, one)),
      isKnownHost: services.includes(hostname),
      failures: delivery.failures ?? 0,
    });
    if (result.outcome === 'held') awaited = origin;
    return result;
  }

  async function post(
    request: WebPushRequest,
    context: Omit<WebPushContext, 'now'>,
  ): Promise<ProviderResult> {
    try {
      const reply = await client.request(request);
      return classifyWebPushReply(reply, { ...context, now: now() });
    } catch (error) {
      if (error instanceof HttpFailure) return classifyWebPushFailure(error, context);
      throw error;
    }
  }

  /** There are as many push services as subscriptions name: the one that was waited for answers again. */
  async function probe(): Promise<boolean> {
    try {
      if (awaited !== undefined) await client.request({ url: awaited, headers: {} });
      awaited = undefined;
      return true;
    } catch {
      return false;
    }
  }

  return { name: 'web-push', platforms: ['webpush'], send, probe, close: client.close };
}

function isUnder(hostname: string, service: string): boolean {
  return service.startsWith('.') ? hostname.endsWith(service) : hostname === service;
}
