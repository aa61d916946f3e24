import {
  type Channel,
  channelOfProvider,
  failuresAtMost,
  type Lane,
  type Platform,
  type Reason,
} from '@tidings/contracts';
import type { ProviderRow, Store } from '@tidings/db';
import type { Log } from '@tidings/runtime';
import type { ProviderResult } from '../providers/provider.ts';
import type { HealthState } from './health.ts';
import { createLeg, createUnusable, type Leg, type MakeProvider, type OwnedLeg } from './leg.ts';
import { createPace } from './pace.ts';

/** What is to be known of a message to find who sends it. */
export interface Destination {
  /** That of the message. */
  id: string;
  projectId: string;
  channel: Channel;
  lane: Lane;
  platform: Platform | null;
  /** Tries that failed and counted: what decides which provider is next. */
  failures: number;
}

/** Why a message cannot be handed over now, and for how long. Milliseconds. */
export interface Wait {
  ms: number;
  reason: Extract<Reason, 'provider_unavailable' | 'rate_limited'>;
}

type Place = Pick<Destination, 'projectId' | 'channel' | 'platform'>;

/** Who sends for which project on a channel: the providers of its route, else those of the instance. */
export interface Routes {
  /** Reads the routes again if that is due; cheap when it is not. */
  refresh(): Promise<void>;
  /** Asked for each message before it is sent: where it need not wait it has a place at a provider. */
  waitFor(to: Destination): Wait | undefined;
  /** The provider that a message has a place at, or may have one now; undefined while there is none. */
  take(to: Destination): Leg | undefined;
  /** The provider that would be next, as far as health goes. Takes no place. */
  next(to: Destination): Leg | undefined;
  /** Does any provider of the route reach the platform, well or not? */
  reaches(to: Place): boolean;
  /** How many messages of the project may wait in the queue: none while nobody would take them. */
  room(of: Omit<Place, 'platform'>): number;
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

/** Tries at a provider before it is the next one's turn, where all of them have their turn so. */
const triesAtOne = 2;

/** Of so many messages it is remembered where they have a place. */
const placesAtMost = 20_000;

/** How long a message waits whose provider has enough in hand. The relay lets in no more than it gets done. */
const busyMs = 250;

/** Nobody waits longer in one piece, for a route may be changed meanwhile. Milliseconds. */
const longestWaitMs = 15_000;

/** The providers of a route, and the platforms that only those that are switched off would reach. */
interface Route {
  legs: readonly OwnedLeg[];
  off: ReadonlySet<Platform | null>;
}

export function createRoutes(options: RoutesOptions): Routes {
  const { store, providers, log, routesMs = 5000 } = options;
  const own: Readonly<Record<Channel, Route>> = {
    email: { legs: providers.instance.email.map((make) => legOf(make)), off: new Set() },
    push: { legs: providers.instance.push.map((make) => legOf(make)), off: new Set() },
  };
  /** By id and sealed settings: with other settings it is another provider, of which nothing is known. */
  let byVersion = new Map<string, OwnedLeg>();
  let routes = new Map<string, Route>();
  /** Replaced ones that still have something in hand. */
  const retiring = new Set<OwnedLeg>();
  /** Where messages have a place, by their ids. */
  const places = new Map<string, OwnedLeg>();
  let freshUntil = 0;
  let reading: Promise<void> | undefined;

  function legOf(make: MakeProvider, id?: string): OwnedLeg {
    return createLeg({ make, id, log, health: options.health, onHealth: options.onHealth });
  }

  /** One that cannot be made turns every message away, until it is put right. */
  function legOfRow(row: ProviderRow): OwnedLeg {
    try {
      return legOf(providers.ofProject(row), row.id);
    } catch (err) {
      log.error({ err, provider: row.id }, 'the settings of a provider cannot be used');
      return legOf(() => createUnusable(row.kind), row.id);
    }
  }

  async function read(): Promise<void> {
    const { routes: set, providers: stored } = await store.allRoutes();
    const rows = new Map(stored.map((row) => [row.id, row]));
    const legs = new Map<string, OwnedLeg>();
    const legOfId = new Map<string, OwnedLeg>();
    for (const id of new Set(set.flatMap(({ providerIds }) => providerIds))) {
      const row = rows.get(id);
      if (row === undefined || !row.enabled) continue;
      const version = `${id} ${row.sealed}`;
      const leg = byVersion.get(version) ?? legOfRow(row);
      leg.name = `${row.name} (${row.kind})`;
      if (leg.perSecond !== row.perSecond) {
        leg.perSecond = row.perSecond;
        leg.pace = row.perSecond === null ? undefined : createPace(row.perSecond);
      }
      legs.set(version, leg);
      legOfId.set(id, leg);
    }
    const gone = [...byVersion].flatMap(([version, leg]) => (legs.has(version) ? [] : [leg]));
    byVersion = legs;
    routes = new Map(
      set.map(({ projectId, channel, providerIds }) => [
        `${projectId} ${channel}`,
        {
          legs: providerIds.flatMap((id) => legOfId.get(id) ?? []),
          off: new Set(providerIds.flatMap((id) => (legOfId.has(id) ? [] : [platformOf(rows.get(id))]))),
        },
      ]),
    );
    freshUntil = performance.now() + routesMs;
    for (const leg of gone) void retire(leg);
  }

  /** What is under way with one that was replaced is let finish. */
  async function retire(leg: OwnedLeg): Promise<void> {
    retiring.add(leg);
    leg.health.stop();
    options.onHealth?.(leg.id, 'closed', undefined);
    await leg.load.idle();
    if (!retiring.delete(leg)) return;
    await leg.close().catch((err) => log.warn({ err, provider: leg.id }, 'a provider did not close'));
  }

  function routeOf({ projectId, channel }: Omit<Place, 'platform'>): Route {
    return routes.get(`${projectId} ${channel}`) ?? own[channel];
  }

  function legsOf(place: Place): readonly OwnedLeg[] {
    const { legs } = routeOf(place);
    const { platform } = place;
    return platform === null
      ? legs
      : legs.filter(({ platforms }) => platforms === undefined || platforms.includes(platform));
  }

  /** One that nobody reaches while a provider is switched off waits for somebody to switch it on. */
  function isWaitedFor(place: Place): boolean {
    return legsOf(place).length === 0 && routeOf(place).off.has(place.platform);
  }

  /** The first that `suits`, from the one whose turn it is. */
  function find(to: Destination, suits: (leg: OwnedLeg) => boolean): OwnedLeg | undefined {
    const legs = legsOf(to);
    const tries = legs.length * triesAtOne > failuresAtMost ? 1 : triesAtOne;
    const first = Math.floor(to.failures / tries);
    for (let at = 0; at < legs.length; at += 1) {
      const leg = legs[(first + at) % legs.length];
      if (leg !== undefined && suits(leg)) return leg;
    }
    return undefined;
  }

  function waitFor(to: Destination): Wait | undefined {
    const leg = find(to, ({ health }) => health.admits());
    if (leg === undefined) {
      const legs = legsOf(to);
      if (legs.length === 0 && !isWaitedFor(to)) return undefined;
      const longestMs = legs.length === 0 ? Math.max(routesMs, 1000) : longestWaitMs;
      const ms = Math.min(longestMs, ...legs.map(({ health }) => health.waitMs()));
      return { ms, reason: 'provider_unavailable' };
    }
    const isUrgent = to.lane === 'critical';
    // Alone it may have all of a worker's places.
    if (byVersion.size > 0 && !isUrgent && !leg.load.take()) return { ms: busyMs, reason: 'rate_limited' };
    const ms = leg.pace?.take(to.id, { isUrgent }) ?? 0;
    if (ms > 0) return { ms, reason: 'rate_limited' };
    if (places.size >= placesAtMost) places.clear();
    places.set(to.id, leg);
    return undefined;
  }

  const all = () => [...own.email.legs, ...own.push.legs, ...byVersion.values()];

  return {
    refresh: () => {
      if (performance.now() < freshUntil) return Promise.resolve();
      reading ??= read().finally(() => {
        reading = undefined;
      });
      return reading;
    },
    waitFor,
    take: (to) => {
      const known = places.get(to.id);
      places.delete(to.id);
      if (known?.health.state === 'closed') return known;
      // It became unwell since; the next one may have no place.
      if (waitFor(to) !== undefined) return undefined;
      const other = places.get(to.id);
      places.delete(to.id);
      return other;
    },
    next: (to) => find(to, ({ health }) => health.state === 'closed'),
    reaches: (place) => legsOf(place).length > 0 || isWaitedFor(place),
    room: (of) => {
      const { legs, off } = routeOf(of);
      if (legs.length === 0) return off.size > 0 ? 0 : Number.POSITIVE_INFINITY;
      const well = legs.filter(({ health }) => health.state === 'closed');
      if (well.length > 0 && byVersion.size === 0) return Number.POSITIVE_INFINITY;
      return Math.max(
        0,
        ...well.map(({ pace, load }) => Math.min(pace?.room() ?? Number.POSITIVE_INFINITY, load.room())),
      );
    },
    faults: () =>
      all().flatMap(({ id, health: { state, fault } }) =>
        state === 'closed' ? [] : [{ id, state, reason: fault?.reason, code: fault?.code }],
      ),
    stop: async () => {
      const open = [...all(), ...retiring];
      retiring.clear();
      await Promise.all(open.map((leg) => leg.close()));
    },
  };
}

/** The one that a provider of this kind reaches; null for one of e-mail, and for one that is gone. */
function platformOf(row: ProviderRow | undefined): Platform | null {
  if (row === undefined || channelOfProvider[row.kind] === 'email') return null;
  return row.kind as Platform;
}
