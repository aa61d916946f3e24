import type { ClaimedCopy } from '@tidings/db';
import { type Seal, SealError, secretsInUse } from '@tidings/runtime';
import { createSafeConnector, type Resolve } from '@tidings/runtime/safe-dial';
import {
  createHttpClient,
  type HttpClientOptions,
  HttpFailure,
  type HttpRequest,
} from '../../providers/http-client.ts';
import { readable } from '../../providers/readable.ts';
import type { CopyResult, CopySender } from '../copy-sender.ts';
import { createOpening } from './opened-secrets.ts';
import { classifyWebhookFailure, classifyWebhookReply, type WebhookContext } from './webhook-failures.ts';
import { composeWebhook } from './webhook-request.ts';
import { failingAtMostMs, holdMs, jittered, webhookDelaysMs } from './webhook-schedule.ts';

/** What says nothing of an endpoint, however long it goes on. */
const ownReasons: readonly string[] = ['overloaded', 'secret_unreadable'];

/**
 * Hands over copies by Standard Webhooks: a POST that is signed with the secrets of its subscription. Its URL is of
 * anybody's making: it is connected to at public addresses only, and redirects are not followed.
 *
 * Each copy in hand has at most one connection, and how many of a subscription are in hand is bounded where they are
 * claimed: so whoever is slow takes none from another.
 */
export function createWebhookSender(
  options: Omit<HttpClientOptions, 'connect'> & {
    /** Opens the secrets of subscriptions. */
    seal: Seal;
    /** Networks (CIDR) where endpoints may be, besides the public ones. */
    allowedNetworks?: readonly string[];
    resolve?: Resolve;
    /** The wait after each failure. */
    delaysMs?: readonly number[];
    random?: () => number;
    /** Milliseconds since the epoch. */
    now?: () => number;
  },
): CopySender {
  const { seal, allowedNetworks, resolve, delaysMs = webhookDelaysMs } = options;
  const { random = Math.random, now = Date.now, connectTimeoutMs, tls, ...clientOptions } = options;
  const open = createOpening(seal);
  const client = createHttpClient({
    // A net: those of all subscriptions to one host together.
    maxConnections: 256,
    // Standard Webhooks, "Request timeouts", has 15 to 30 seconds.
    replyTimeoutMs: 15_000,
    totalTimeoutMs: 15_000,
    // Whoever would have recorded what comes of them has stopped.
    closeTimeoutMs: 1_000,
    ...clientOptions,
    connect: createSafeConnector({ allowedNetworks, resolve, tls, timeoutMs: connectTimeoutMs }),
  });

  async function send(claimed: ClaimedCopy): Promise<CopyResult> {
    // The database's clock, as all times are that this is compared with.
    const at = claimed.copy.claimedAt ?? now();
    return orGiveUp(await resultOf(claimed, at).catch(unforeseen), claimed, at);
  }

  async function resultOf(claimed: ClaimedCopy, at: number): Promise<CopyResult> {
    const { event, subscription } = claimed;
    const { settings, holds } = subscription;
    if (settings.kind !== 'webhook') throw new Error(`${subscription.id} is no webhook`);
    const secrets = liveSecrets(claimed, at);
    if (secrets instanceof SealError) {
      const delayMs = holdMs({ holds, askedMs: undefined, random });
      return { outcome: 'held', reason: 'secret_unreadable', delayMs, response: secrets.message };
    }
    const request = composeWebhook({ url: settings.url, event, secrets, at });
    const context: WebhookContext = { holds, at, random, secrets: inConfidence(secrets, request) };
    try {
      return classifyWebhookReply(await client.request(request), context);
    } catch (error) {
      if (error instanceof HttpFailure) return classifyWebhookFailure(error, context);
      throw error;
    }
  }

  /** Those that a request is signed with: until the rotation is over, the one before as well. */
  function liveSecrets({ subscription }: ClaimedCopy, at: number): string[] | SealError {
    try {
      return secretsInUse(open(subscription.id, subscription.sealed ?? ''), at);
    } catch (error) {
      if (error instanceof SealError) return error;
      throw error;
    }
  }

  return {
    send,
    nextDelayMs: (_, failures) => {
      const delayMs = delaysMs[failures - 1];
      return delayMs === undefined ? undefined : jittered(delayMs, random);
    },
    close: client.close,
  };
}

/** The base64 of the secrets and signatures, as a reply may quote it with or without what stands before. */
function inConfidence(secrets: readonly string[], { headers }: HttpRequest): string[] {
  const signatures = headers['webhook-signature']?.split(' ') ?? [];
  return [...secrets, ...signatures].map((text) => text.replace(/^(whsec_|v1,)/, ''));
}

/** The latest of nothing but failures for days gives its subscription up. */
function orGiveUp(result: CopyResult, { subscription }: ClaimedCopy, at: number): CopyResult {
  if (result.outcome === 'delivered' || ownReasons.includes(result.reason)) return result;
  const { failingSince } = subscription;
  const isTooLong = failingSince !== null && at - failingSince > failingAtMostMs;
  return isTooLong ? { ...result, disables: true } : result;
}

function unforeseen(error: unknown): CopyResult {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { outcome: 'transient', reason: 'endpoint_failed', code: name, response: readable(message) };
}
