import type { Platform, QueueName } from '@tidings/contracts';
import type { Log } from '@tidings/runtime';
import type {
  Delivery,
  Provider,
  ProviderResult,
  RenderedEmail,
  RenderedPush,
} from '../providers/provider.ts';
import { createHealth, type Health, type HealthOptions, type HealthState } from './health.ts';
import { createLoad, type Load } from './load.ts';
import type { Pace } from './pace.ts';

/** Makes a provider; each queue has its own. */
export type MakeProvider = () => Provider;

/** A provider as this process delivers by it: connections of its own for each queue, one health for all. */
export interface Leg {
  /** That of the project's provider, or the name of the instance's. */
  readonly id: string;
  /** What attempts are recorded under. */
  readonly name: string;
  /** Has the provider send, and takes note of how it went. */
  send(queue: QueueName, delivery: Delivery): Promise<ProviderResult>;
}

/** What the routes know of it besides. */
export interface OwnedLeg extends Leg {
  name: string;
  readonly platforms: readonly Platform[] | undefined;
  perSecond: number | null;
  pace: Pace | undefined;
  readonly load: Load;
  readonly health: Health;
  close(): Promise<void>;
}

/** @param options.id of a project's provider; one of the instance goes by its name */
export function createLeg(options: {
  make: MakeProvider;
  id?: string;
  log: Log;
  health?: Pick<HealthOptions, 'signs' | 'baseMs' | 'capMs'>;
  onHealth?: (id: string, state: HealthState, fault: ProviderResult | undefined) => void;
}): OwnedLeg {
  const { make, log, onHealth } = options;
  const first = make();
  const { id = first.name } = options;
  const byQueue = new Map<QueueName, Provider>();
  const health = createHealth({
    provider: first,
    ...options.health,
    onChange: (state, fault) => {
      const isWell = state === 'closed';
      log[isWell ? 'info' : 'warn'](
        { provider: id, state, reason: fault?.reason, code: fault?.code },
        isWell ? 'the provider is well again' : 'the provider is unwell',
      );
      onHealth?.(id, state, fault);
    },
  });
  const load = createLoad();
  const on = (queue: QueueName) => {
    const known = byQueue.get(queue);
    if (known !== undefined) return known;
    const made = byQueue.size === 0 ? first : make();
    byQueue.set(queue, made);
    return made;
  };
  return {
    id,
    name: first.name,
    platforms: first.platforms,
    perSecond: null,
    pace: undefined,
    load,
    health,
    send: (queue, delivery) =>
      health.run(delivery.messageId, () =>
        load.run(() => on(queue).send(delivery as Delivery<RenderedEmail & RenderedPush>)),
      ),
    close: async () => {
      health.stop();
      onHealth?.(id, 'closed', undefined);
      await Promise.all([...new Set([first, ...byQueue.values()])].map((provider) => provider.close()));
    },
  };
}

/** Turns every message away. */
export function createUnusable(kind: string): Provider {
  return {
    name: kind,
    send: async () => ({
      outcome: 'held',
      reason: 'provider_configuration',
      response: 'its settings cannot be read',
    }),
    probe: async () => false,
    close: async () => {},
  };
}
