import {
  type ErrorDetail,
  type SubscriptionSettings,
  TidingsError,
  updateSubscription,
} from '@tidings/contracts';
import type { Store, SubscriptionRow } from '@tidings/db';
import { checkFilter, namesHappenings } from '@tidings/events';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { nameTaken, refuseIfAny } from './refusals.ts';
import { viewSubscription } from './view.ts';

/** `subscriptions.update`. It stays of its kind, and ordered or not: copies that wait were made for that. */
export const update = (store: Store) =>
  mutation(updateSubscription, async ({ id, ...given }, context) => {
    const { projectId } = context.principal;
    const known = await store.getSubscription(projectId, id);
    if (known === undefined) throw new TidingsError('not_found');
    const { name, types, filter, settings } = given;
    refuseIfAny([
      ...(typeof filter === 'string' ? checkFilter(filter) : []),
      ...(settings === undefined ? [] : faultsOfSettings(settings, known)),
    ]);
    const changed = await store.updateSubscription(
      projectId,
      {
        id,
        ...(name !== undefined && { name }),
        ...(types !== undefined && {
          types,
          ofHappenings: known.kind !== 'notify' && namesHappenings(types),
        }),
        ...(filter !== undefined && { filter }),
        ...(settings !== undefined && { settings }),
      },
      {
        actor: actorOf(context),
        change: {
          id: newId('audit'),
          projectId,
          action: updateSubscription.name,
          target: id,
          fields: Object.entries(given).flatMap(([field, value]) => (value === undefined ? [] : [field])),
        },
      },
    );
    if (changed === undefined) throw new TidingsError('not_found');
    if (changed === 'taken') throw nameTaken();
    return viewSubscription(changed);
  });

function faultsOfSettings(settings: SubscriptionSettings, { kind, ordered }: SubscriptionRow): ErrorDetail[] {
  if (settings.kind !== kind) return [{ pointer: '/settings/kind', detail: `must stay ${kind}` }];
  if (settings.kind === 'notify' || settings.ordered === ordered) return [];
  return [{ pointer: '/settings/ordered', detail: `must stay ${ordered}` }];
}
