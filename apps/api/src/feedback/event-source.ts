import { type ProviderKind, type ProviderSettings, providerKinds, TidingsError } from '@tidings/contracts';
import type { ProviderRow, Store } from '@tidings/db';
import { type Config, type Seal, SealError } from '@tidings/runtime';
import { remembered } from '../remembered.ts';
import { oneSignalStream } from './onesignal-stream.ts';
import type { Scheme } from './scheme.ts';
import { sendGridSignatureHeader, sendGridWebhook } from './sendgrid-webhook.ts';
import { signatureHeader, standardWebhooks } from './standard-webhooks.ts';

/** A provider that may tell of messages. */
export interface EventSource {
  name: string;
  kind: ProviderKind;
  /** Whose messages it may tell of; null for those of any project. */
  projectId: string | null;
  /** By the header in which each has its proof; at least one. */
  schemes: ReadonlyMap<string, Scheme>;
}

/** Finds a provider by the id of a project's, or by the kind of the instance's; undefined without a secret. */
export type FindEventSource = (provider: string) => Promise<EventSource | undefined>;

type EventConfig = Pick<
  Config,
  'PROVIDER_EVENTS_SECRET' | 'SENDGRID_WEBHOOK_PUBLIC_KEY' | 'ONESIGNAL_WEBHOOK_SECRET'
>;

/** What is known of a project's provider is believed for `cacheMs`. */
export function createFindEventSource(options: {
  store: Pick<Store, 'findProvider'>;
  seal: Seal;
  config: EventConfig;
  cacheMs?: number;
}): FindEventSource {
  const { store, seal, config, cacheMs = 5000 } = options;
  const ofInstance = new Map<string, EventSource | undefined>(
    providerKinds.map((kind) => [
      kind,
      sourceOf({ name: kind, kind, projectId: null }, secretsOf(config, kind)),
    ]),
  );
  const ofProject = remembered(cacheMs, async (id) => {
    const row = await store.findProvider(id);
    if (row === undefined) return undefined;
    const { name, kind, projectId } = row;
    return sourceOf({ name, kind, projectId }, secretsIn(settingsOf(row)));
  });

  /** Whoever tells is asked to try again, until somebody has given the right key. */
  function settingsOf({ id, sealed }: ProviderRow): ProviderSettings {
    try {
      return JSON.parse(seal.open(sealed, id)) as ProviderSettings;
    } catch (cause) {
      if (cause instanceof SealError) throw new TidingsError('unavailable', { cause });
      throw cause;
    }
  }

  return async (provider) => (provider.startsWith('prv_') ? ofProject(provider) : ofInstance.get(provider));
}

interface EventSecrets {
  standard?: string;
  sendGrid?: string;
  oneSignal?: string;
}

function secretsOf(config: EventConfig, kind: ProviderKind): EventSecrets {
  return {
    standard: config.PROVIDER_EVENTS_SECRET,
    sendGrid: kind === 'sendgrid' ? config.SENDGRID_WEBHOOK_PUBLIC_KEY : undefined,
    oneSignal: kind === 'onesignal' ? config.ONESIGNAL_WEBHOOK_SECRET : undefined,
  };
}

function secretsIn(settings: ProviderSettings): EventSecrets {
  return {
    standard: settings.webhookSecret,
    sendGrid: settings.kind === 'sendgrid' ? settings.webhookPublicKey : undefined,
    oneSignal: settings.kind === 'onesignal' ? settings.webhookSecret : undefined,
  };
}

function sourceOf(
  provider: Omit<EventSource, 'schemes'>,
  { standard, sendGrid, oneSignal }: EventSecrets,
): EventSource | undefined {
  const schemes = new Map<string, Scheme>();
  if (standard !== undefined) schemes.set(signatureHeader, standardWebhooks(standard));
  if (sendGrid !== undefined) schemes.set(sendGridSignatureHeader, sendGridWebhook(sendGrid));
  if (oneSignal !== undefined) schemes.set('authorization', oneSignalStream(oneSignal));
  return schemes.size === 0 ? undefined : { ...provider, schemes };
}
