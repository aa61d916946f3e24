import {
  type Channel,
  type Platform,
  providerSettings,
  type QueueName,
  queueNames,
} from '@tidings/contracts';
import type { ProviderRow, Store } from '@tidings/db';
import type { Log, Seal } from '@tidings/runtime';
import type { Provider, ProviderResult } from '../providers/provider.ts';
import { createHealth, type Health, type HealthState } from './health.ts';
import { makeProvider, type ProviderDefaults } from './make-provider.ts';

/** A provider as this process delivers by it: a connection of its own for each queue, one health for all. */
export interface Leg {
  readonly id: string;
  /** What attempts are recorded under. */
  readonly name: string;
  readonly platforms: readonly Platform[] | undefined;
  readonly health: Health;
  on(queue: QueueName): Provider;
}

/** Who sends for which project on a channel: the providers of its route, else those of the instance. */
export interface Routes {
  /** Reads the routes again if that is due; cheap when it is not. */
  refresh(): Promise<void>;
  /** The legs that reach the platform, in their order; undefined where none does, whatever its health. */
  legsOf(of: Destination): readonly Leg[] | undefined;
  /** Milliseconds until a leg is asked again, where none is well; 0 when one is. */
  waitMs(of: Destination): number;
  /** Every leg of this process. */
  all(): readonly Leg[];
  stop(): Promise<void>;
}

export interface Destination {
  projectId: string;
  channel: Channel;
  platform: Platform | null;
}

export interface RoutesOptions {
  store: Pick<Store, 'allRoutes'>;
  seal: Seal;
  /** The providers of the environment, by channel. */
  instance: Readonly<Record<Channel, ReadonlyArray<() => Provider>>>;
  defaults: ProviderDefaults;
  log: Log;
  /** How old what is known of routes may be, in milliseconds. */
  routesMs?: number;
  health?: { signs?: number; baseMs?: number; capMs?: number };
  onHealth?: (leg: string, state: HealthState, fault: ProviderResult | undefined) => void;
}

export function createRoutes(options: RoutesOptions): Routes {
  const { store, seal, instance, defaults, log, routesMs = 5000 } = options;
  const own: Readonly<Record<Channel, readonly OwnedLeg[]>> = {
    email: instance.email.map((make) => legOf('instance:email', make)),
    push: instance.push.map((make) => legOf('instance:push', make)),
  };
  let byRow = new Map<string, OwnedLeg>();
  let routes = new Map<string, readonly OwnedLeg[]>();
  let freshUntil = 0;
  let reading: Promise<void> | undefined;

  function legOf(id: string, make: () => Provider, name?: string): OwnedLeg {
    const byQueue = new Map<QueueName, Provider>();
    const first = make();
    const on = (queue: QueueName) => {
      const known = byQueue.get(queue);
      if (known !== undefined) return known;
      const made = byQueue.size === 0 ? first : make();
      byQueue.set(queue, made);
      return made;
    };
    const shown = name ?? first.name;
    const health = createHealth({
      provider: first,
      ...options.health,
      onChange: (state, fault) => {
        log[state === 'closed' ? 'info' : 'warn'](
          { provider: shown, id, state, reason: fault?.reason, code: fault?.code },
          state === 'closed' ? 'the provider is well again' : 'the provider is unwell',
        );
        options.onHealth?.(shown, state, fault);
      },
    });
    return {
      id,
      name: shown,
      platforms: first.platforms,
      health,
      on,
      close: async () => {
        health.stop();
        await Promise.all([...new Set([first, ...byQueue.values()])].map((provider) => provider.close()));
      },
    };
  }

  function legOfRow(row: ProviderRow): OwnedLeg {
    return legOf(row.id, providerOf(row), `${row.name} (${row.kind})`);
  }

  /** What cannot be opened or made turns every message away, until it is put right. */
  function providerOf({ id, kind, sealed }: ProviderRow): () => Provider {
    try {
      return makeProvider(providerSettings.parse(JSON.parse(seal.open(sealed, id))), defaults);
    } catch (err) {
      log.error({ err, provider: id }, 'the settings of a provider cannot be used');
      return () => createUnusable(kind);
    }
  }

  async function read(): Promise<void> {
    const { routes: set, providers } = await store.allRoutes();
    const named = new Set(set.flatMap(({ providerIds }) => providerIds));
    const legs = new Map<string, OwnedLeg>();
    const rows = new Map(providers.filter(({ enabled }) => enabled).map((row) => [row.id, row]));
    for (const id of named) {
      const row = rows.get(id);
      if (row === undefined) continue;
      const version = `${id} ${row.updatedAt}`;
      legs.set(version, byRow.get(version) ?? legOfRow(row));
    }
    const gone = [...byRow].filter(([version]) => !legs.has(version));
    byRow = legs;
    routes = new Map(
      set.map(({ projectId, channel, providerIds }) => [
        `${projectId} ${channel}`,
        providerIds.flatMap((id) => {
          const leg = legs.get(`${id} ${rows.get(id)?.updatedAt}`);
          return leg === undefined ? [] : [leg];
        }),
      ]),
    );
    freshUntil = performance.now() + routesMs;
    // What is under way with one that was replaced is let finish.
    for (const [, leg] of gone)
      void leg.close().catch((err) => log.warn({ err }, 'a provider did not close'));
  }

  function legsOf({ projectId, channel, platform }: Destination): readonly OwnedLeg[] | undefined {
    const route = routes.get(`${projectId} ${channel}`) ?? own[channel];
    if (platform === null) return route;
    const fitting = route.filter(({ platforms }) => platforms === undefined || platforms.includes(platform));
    return fitting.length === 0 && route.length > 0 ? undefined : fitting;
  }

  return {
    refresh: () => {
      if (performance.now() < freshUntil) return Promise.resolve();
      reading ??= read().finally(() => {
        reading = undefined;
      });
      return reading;
    },
    legsOf,
    waitMs: (of) => {
      const legs = legsOf(of);
      if (legs === undefined) return 0;
      // A route whose providers are all switched off waits for somebody to switch one on.
      if (legs.length === 0) return routesMs;
      return Math.min(...legs.map(({ health }) => health.waitMs()));
    },
    all: () => [...own.email, ...own.push, ...byRow.values()],
    stop: async () => {
      await Promise.all([...own.email, ...own.push, ...byRow.values()].map((leg) => leg.close()));
    },
  };
}

interface OwnedLeg extends Leg {
  close(): Promise<void>;
}

function createUnusable(kind: string): Provider {
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

/** Queues of a channel. */
export function queuesOf(channel: Channel): QueueName[] {
  return queueNames.filter((name) => name.startsWith(channel));
}
