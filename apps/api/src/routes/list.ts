import { channels, listRoutes } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewRoute } from './view.ts';

/** `routes.list`. A channel without a route of the project's own has none. */
export const list = (store: Store) =>
  query(listRoutes, async (_, { principal }) => {
    const set = await store.listRoutes(principal.projectId);
    return {
      items: channels.map((channel) =>
        viewRoute(
          channel,
          set.find((one) => one.channel === channel),
        ),
      ),
    };
  });
