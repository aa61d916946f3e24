import type { Channel, Platform, QueueName, Reason } from '@tidings/contracts';
import type { ProviderRow, Store } from '@tidings/db';
import type { Log } from '@tidings/runtime';
import type {
  Delivery,
  Provider,
  ProviderResult,
  RenderedEmail,
  RenderedPush,
} from '../providers/provider.ts';
import { createHealth, type Health, type HealthState } from './health.ts';
import { createLoad, type Load } from './load.ts';
import { createPace, type Pace } from './pace.ts';

/** A provider as this process delivers by it: connections of its own for each queue, one health for all. */
export interface Leg {
  /** That of the project's provider, or the name of the instance's. */
  readonly id: string;
  /** What attempts are recorded under. */
  readonly name: string;
  /** Has the provider send, and takes note of how it went. Only for who was just picked. */
  send(queue: QueueName, delivery: Delivery): Promise<ProviderResult>;
}

export interface Destination {
  projectId: string;
  channel: Channel;
  platform: Platform | null;
  /** Tries that failed and counted: what decides which provider is next. */
  failures: number;
}

/** Why a message cannot be handed over now, and for how long. Milliseconds. */
export interface Wait {
  ms: number;
  reason: Extract<Reason, 'provider_unavailable' | 'rate_limited'>;
}

/** Who sends for which project on a channel: the providers of its route, else those of the instance. */
export interface Routes {
  /** Reads the routes again if that is due; cheap when it is not. */
  refresh(): Promise<void>;
  /** Asked for each message before it is sent: it takes the message's place at the provider. */
  waitFor(to: Destination): Wait | undefined;
  /** The provider that is next for a message and well; undefined while none is. */
  pick(to: Destination): Leg | undefined;
  /** Does any provider of the route reach the platform, well or not? */
  reaches(to: Destination): boolean;
  /** How many messages of the project may wait in the queue: none while nobody would take them. */
  room(of: Pick<Destination, 'projectId' | 'channel'>): number;
  /** The providers that are not well. */
  faults(): ProviderFault[];
  stop(): Promise<void>;
}

/** A provider that is not well, by its id, and why. */
export interface ProviderFault {
  id: string;
  state: HealthState;
  reason: Reason | undefined;
  code: string | undefined;
}

/** Makes a provider; each queue has its own. */
export type MakeProvider = () => Provider;

/** Where providers come from. */
export interface Providers {
  /** Those of the environment, by channel, in the order they are tried: for projects that have no route. */
  instance: Readonly<Record<Channel, readonly MakeProvider[]>>;
  /** @throws when its settings cannot be read */
  ofProject(row: ProviderRow): MakeProvider;
}

export interface RoutesOptions {
  store: Pick<Store, 'allRoutes'>;
  providers: Providers;
  log: Log;
  /** How old what is known of routes may be, in milliseconds. */
  routesMs?: number;
  health?: { signs?: number; baseMs?: number; capMs?: number };
  onHealth?: (id: string, state: HealthState, fault: ProviderResult | undefined) => void;
}

/** Tries at a provider before it is the next one's turn. */
const triesAtOne = 2;

/** How long a message waits whose provider has enough in hand. The relay lets in no more than it gets done. */
const busyMs = 1000;

/** Nobody waits longer in one piece, for a route may be changed meanwhile. Milliseconds. */
const longestWaitMs = 15_000;

export function createRoutes(options: RoutesOptions): Routes {
  const { store, providers, log, routesMs = 5000 } = options;
  const own: Readonly<Record<Channel, readonly OwnedLeg[]>> = {
    email: providers.instance.email.map((make) => legOf(make)),
    push: providers.instance.push.map((make) => legOf(make)),
  };
  let byRow = new Map<string, OwnedLeg>();
  let routes = new Map<string, readonly OwnedLeg[]>();
  let freshUntil = 0;
  let reading: Promise<void> | undefined;

  function legOf(make: MakeProvider, row?: ProviderRow): OwnedLeg {
    const first = make();
    const byQueue = new Map<QueueName, Provider>();
    const id = row?.id ?? first.name;
    const name = row === undefined ? first.name : `${row.name} (${row.kind})`;
    const health = createHealth({
      provider: first,
      ...options.health,
      onChange: (state, fault) => {
        const isWell = state === 'closed';
        log[isWell ? 'info' : 'warn'](
          { provider: id, state, reason: fault?.reason, code: fault?.code },
          isWell ? 'the provider is well again' : 'the provider is unwell',
        );
        options.onHealth?.(id, state, fault);
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
      name,
      platforms: first.platforms,
      perSecond: row?.perSecond ?? undefined,
      pace: row?.perSecond ? createPace(row.perSecond) : undefined,
      load,
      health,
      send: (queue, delivery) =>
        health.run(() => load.run(() => on(queue).send(delivery as Delivery<RenderedEmail & RenderedPush>))),
      close: async () => {
        health.stop();
        options.onHealth?.(id, 'closed', undefined);
        await Promise.all([...new Set([first, ...byQueue.values()])].map((provider) => provider.close()));
      },
    };
  }

  /** One that cannot be made turns every message away, until it is put right. */
  function legOfRow(row: ProviderRow): OwnedLeg {
    try {
      return legOf(providers.ofProject(row), row);
    } catch (err) {
      log.error({ err, provider: row.id }, 'the settings of a provider cannot be used');
      return legOf(() => createUnusable(row.kind), row);
    }
  }

  async function read(): Promise<void> {
    const { routes: set, providers: stored } = await store.allRoutes();
    const named = new Set(set.flatMap(({ providerIds }) => providerIds));
    const legs = new Map<string, OwnedLeg>();
    const rows = new Map(stored.filter(({ enabled }) => enabled).map((row) => [row.id, row]));
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

  function legsOf({ projectId, channel, platform }: Omit<Destination, 'failures'>): readonly OwnedLeg[] {
    const route = routes.get(`${projectId} ${channel}`) ?? own[channel];
    return platform === null
      ? route
      : route.filter(({ platforms }) => platforms === undefined || platforms.includes(platform));
  }

  function pick(to: Destination): OwnedLeg | undefined {
    const legs = legsOf(to);
    const first = Math.floor(to.failures / triesAtOne);
    for (let at = 0; at < legs.length; at += 1) {
      const leg = legs[(first + at) % legs.length];
      if (leg?.health.state === 'closed') return leg;
    }
    return undefined;
  }

  /** A route without a provider, since all of them are switched off, waits for somebody to switch one on. */
  function isWaitedFor({ projectId, channel }: Pick<Destination, 'projectId' | 'channel'>): boolean {
    return routes.get(`${projectId} ${channel}`)?.length === 0;
  }

  const all = () => [...own.email, ...own.push, ...byRow.values()];

  return {
    refresh: () => {
      if (performance.now() < freshUntil) return Promise.resolve();
      reading ??= read().finally(() => {
        reading = undefined;
      });
      return reading;
    },
    waitFor: (to) => {
      const next = pick(to);
      if (next !== undefined) {
        // Alone it may have all of a worker's places.
        if (byRow.size > 0 && !next.load.take()) return { ms: busyMs, reason: 'rate_limited' };
        const ms = next.pace?.take() ?? 0;
        return ms > 0 ? { ms: Math.min(ms, longestWaitMs), reason: 'rate_limited' } : undefined;
      }
      const legs = legsOf(to);
      if (legs.length === 0 && !isWaitedFor(to)) return undefined;
      const longestMs = legs.length === 0 ? Math.max(routesMs, 1000) : longestWaitMs;
      const ms = Math.min(longestMs, ...legs.map(({ health }) => health.waitMs()));
      return { ms, reason: 'provider_unavailable' };
    },
    pick,
    reaches: (to) => legsOf(to).length > 0 || isWaitedFor(to),
    room: (of) => {
      const legs = legsOf({ ...of, platform: null });
      if (legs.length === 0) return isWaitedFor(of) ? 0 : Number.POSITIVE_INFINITY;
      const well = legs.filter(({ health }) => health.state === 'closed');
      if (byRow.size === 0) return well.length === 0 ? 0 : Number.POSITIVE_INFINITY;
      return Math.max(
        0,
        ...well.map(({ perSecond = Number.POSITIVE_INFINITY, load }) => Math.min(2 * perSecond, load.room())),
      );
    },
    faults: () =>
      all().flatMap(({ id, health: { state, fault } }) =>
        state === 'closed' ? [] : [{ id, state, reason: fault?.reason, code: fault?.code }],
      ),
    stop: async () => {
      await Promise.all(all().map((leg) => leg.close()));
    },
  };
}

interface OwnedLeg extends Leg {
  readonly platforms: readonly Platform[] | undefined;
  readonly perSecond: number | undefined;
  readonly pace: Pace | undefined;
  readonly load: Load;
  readonly health: Health;
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
