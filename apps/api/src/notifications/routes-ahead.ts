import type { Channel, Platform, Stop } from '@tidings/contracts';
import type { ProviderRow, Store } from '@tidings/db';
import type { InstanceProvider, instanceProviders } from '@tidings/runtime';
import { stopFor } from './stop-for.ts';

/** Who would deliver a message, in the order they are tried. */
export interface RouteAhead {
  of: 'project' | 'instance';
  /** Null where only the workers know. */
  providers: string[] | null;
  /** Why nobody would. */
  stop?: Stop;
}

/** Reads the routes of a project; what it answers says who delivers on a channel, and to a platform. */
export type RoutesAhead = (
  projectId: string,
) => Promise<(channel: Channel, platform: Platform | null) => RouteAhead>;

/**
 * `instance` are the providers of this process's environment. Where workers run in it (`runsWorkers`) they are all that
 * there are; else an environment that names none says nothing about theirs.
 */
export function createRoutesAhead(options: {
  store: Pick<Store, 'listRoutes' | 'listProviders'>;
  instance: ReturnType<typeof instanceProviders>;
  runsWorkers: boolean;
}): RoutesAhead {
  const { store, instance, runsWorkers } = options;

  function ofInstance(channel: Channel, platform: Platform | null): RouteAhead {
    const all = instance[channel];
    if (all.length === 0) {
      return { of: 'instance', providers: runsWorkers ? [`${channel}-outbox`] : null };
    }
    return { of: 'instance', ...reaching(all, platform) };
  }

  function ofProject(rows: ProviderRow[], platform: Platform | null): RouteAhead {
    if (rows.length === 0) {
      const detail = 'All providers of its route are switched off: it would wait for one.';
      return { of: 'project', providers: [], stop: stopFor('provider_unavailable', detail) };
    }
    return { of: 'project', ...reaching(rows, platform) };
  }

  return async (projectId) => {
    const [routes, providers] = await Promise.all([
      store.listRoutes(projectId),
      store.listProviders(projectId),
    ]);
    const byId = new Map(providers.map((row) => [row.id, row]));
    return (channel, platform) => {
      const ids = routes.find((one) => one.channel === channel)?.providerIds ?? [];
      if (ids.length === 0) return ofInstance(channel, platform);
      const enabled = ids.flatMap((id) => byId.get(id) ?? []).filter((row) => row.enabled);
      return ofProject(enabled, platform);
    };
  };
}

/** A provider of pushes reaches the devices of its own platform. */
function reaching(
  all: ReadonlyArray<Pick<InstanceProvider, 'name' | 'kind'>>,
  platform: Platform | null,
): Pick<RouteAhead, 'providers' | 'stop'> {
  const fitting = all.filter(({ kind }) => platform === null || kind === platform);
  const providers = fitting.map(({ name }) => name);
  return providers.length > 0 ? { providers } : { providers, stop: stopFor('no_provider') };
}
