import type { Store } from '@tidings/db';
import type { QueueEngine } from '@tidings/queue';
import { type Config, findSeal, type Log, type Metrics, type Seal } from '@tidings/runtime';
import { type AcceptingConfig, createAccepting } from './accepting.ts';
import type { CopySender, SentKind } from './copy-sender.ts';
import { createNotifySender } from './notify.ts';
import { createWebhookSender } from './webhook/webhook-sender.ts';

/** What the senders of copies need to know of the environment. */
export type SenderConfig = AcceptingConfig &
  Pick<Config, 'ENCRYPTION_KEY' | 'ENCRYPTION_KEY_PREVIOUS' | 'OUTBOUND_ALLOWED_NETWORKS'>;

/** What hands over copies, by the kind of their subscription. */
export function createSenders(options: {
  store: Store;
  engine: QueueEngine;
  config: SenderConfig;
  log: Log;
  metrics: Metrics;
  /** The wait after each failure of a webhook. */
  webhookDelaysMs?: readonly number[];
}): Record<SentKind, CopySender> {
  const { store, config, log, webhookDelaysMs } = options;
  return {
    notify: createNotifySender({ store, accepting: createAccepting(options), log }),
    webhook: createWebhookSender({
      seal: openingSeal(config),
      allowedNetworks: config.OUTBOUND_ALLOWED_NETWORKS,
      delaysMs: webhookDelaysMs,
    }),
  };
}

/** The key is read, and made where there is none, when the first secret is opened: who has no webhooks needs none. */
function openingSeal(config: SenderConfig): Seal {
  let found: Seal | undefined;
  const seal = () => {
    found ??= findSeal(config);
    return found;
  };
  return {
    seal: (text, context) => seal().seal(text, context),
    open: (sealed, context) => seal().open(sealed, context),
  };
}
