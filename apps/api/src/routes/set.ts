import { channelOfProvider, setRoute, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { viewRoute } from './view.ts';

/** `routes.set`. */
export const set = (store: Store) =>
  mutation(setRoute, async ({ channel, providers: providerIds }, context) => {
    const { projectId } = context.principal;
    const stored = await store.setRoute(
      projectId,
      { channel, providerIds, isFit: (kind) => channelOfProvider[kind] === channel },
      {
        actor: actorOf(context),
        change: {
          id: newId('audit'),
          projectId,
          action: setRoute.name,
          target: channel,
          fields: ['providers'],
        },
      },
    );
    if (stored === undefined) {
      throw new TidingsError('unknown_provider', {
        errors: [{ pointer: '/providers', detail: `must be providers of the project for ${channel}` }],
      });
    }
    return viewRoute(channel, stored === 'cleared' ? undefined : stored);
  });
