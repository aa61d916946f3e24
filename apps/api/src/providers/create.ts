import { createProvider, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId, type Seal } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { checkSettings, shownOf } from './settings.ts';
import { viewProvider } from './view.ts';

/** Every worker keeps those that routes name. */
const providersAtMost = 50;

/** `providers.create`. The secrets are sealed for this row. */
export const create = ({ store, seal }: { store: Store; seal: Seal }) =>
  mutation(createProvider, async ({ name, settings, perSecond = null }, context) => {
    const { projectId } = context.principal;
    checkSettings(settings);
    if ((await store.listProviders(projectId)).length >= providersAtMost) {
      throw new TidingsError('too_many_providers', {
        detail: `A project has at most ${providersAtMost} providers`,
      });
    }
    const id = newId('provider');
    const made = await store.createProvider(
      projectId,
      {
        id,
        name,
        kind: settings.kind,
        shown: shownOf(settings),
        sealed: seal.seal(JSON.stringify(settings), id),
        perSecond,
        enabled: true,
      },
      {
        actor: actorOf(context),
        change: { id: newId('audit'), projectId, action: createProvider.name, target: id },
      },
    );
    if (made === undefined) throw nameTaken();
    context.headers.location = `/v1/providers/${id}`;
    return viewProvider(made);
  });

export function nameTaken(): TidingsError {
  return new TidingsError('provider_name_taken', {
    errors: [{ pointer: '/name', detail: 'is the name of another provider' }],
  });
}
