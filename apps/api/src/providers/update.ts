import { channelOfProvider, TidingsError, updateProvider } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId, type Seal } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { nameTaken } from './create.ts';
import { checkSettings, shownOf } from './settings.ts';
import { viewProvider } from './view.ts';

/** `providers.update`. It stays on its channel: routes count on that. */
export const update = ({ store, seal }: { store: Store; seal: Seal }) =>
  mutation(updateProvider, async ({ id, settings, ...fields }, context) => {
    const { projectId } = context.principal;
    const known = await store.getProvider(projectId, id);
    if (known === undefined) throw new TidingsError('not_found');
    if (settings !== undefined) {
      if (channelOfProvider[settings.kind] !== channelOfProvider[known.kind]) {
        throw new TidingsError('invalid_provider', {
          errors: [{ pointer: '/settings/kind', detail: `must be one of ${channelOfProvider[known.kind]}` }],
        });
      }
      checkSettings(settings);
    }
    const changed = await store.updateProvider(
      projectId,
      {
        id,
        ...given(fields),
        ...(settings && {
          kind: settings.kind,
          shown: shownOf(settings),
          sealed: seal.seal(JSON.stringify(settings), id),
        }),
      },
      {
        actor: actorOf(context),
        change: {
          id: newId('audit'),
          projectId,
          action: updateProvider.name,
          target: id,
          fields: Object.keys({ ...given(fields), ...(settings && { settings }) }),
        },
      },
    );
    if (changed === undefined) throw new TidingsError('not_found');
    if (changed === 'taken') throw nameTaken();
    return viewProvider(changed);
  });

function given<Fields extends object>(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields;
}
