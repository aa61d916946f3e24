import { createSubscription } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { checkFilter, namesHappenings } from '@tidings/events';
import { newId, newSigningSecret, type Seal, sealSigningSecrets } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { nameTaken, refuseIfAny, refuseIfFull } from './refusals.ts';
import { viewSubscription } from './view.ts';

/**
 * `subscriptions.create`. Whether a template is there, and where a URL leads, is found out with each event: a template
 * may come later, and a name that is looked up now may stand for another address by then.
 */
export const create = ({ store, seal }: { store: Store; seal: Seal }) =>
  mutation(createSubscription, async ({ name, types, filter = null, settings, secret }, context) => {
    const { projectId } = context.principal;
    const isWebhook = settings.kind === 'webhook';
    refuseIfAny([
      ...(filter === null ? [] : checkFilter(filter)),
      ...(secret === undefined || isWebhook ? [] : [{ pointer: '/secret', detail: 'is for webhooks only' }]),
    ]);
    await refuseIfFull(store, projectId);
    const id = newId('subscription');
    const signing = isWebhook ? (secret ?? newSigningSecret()) : null;
    const made = await store.createSubscription(
      projectId,
      {
        id,
        name,
        kind: settings.kind,
        types,
        filter,
        ofHappenings: settings.kind !== 'notify' && namesHappenings(types),
        ordered: settings.kind !== 'notify' && settings.ordered,
        settings,
        sealed: signing === null ? null : sealSigningSecrets(seal, id, { current: signing }),
      },
      {
        actor: actorOf(context),
        change: { id: newId('audit'), projectId, action: createSubscription.name, target: id },
      },
    );
    if (made === undefined) throw nameTaken();
    context.headers.location = `/v1/subscriptions/${id}`;
    return { ...viewSubscription(made), secret: signing };
  });
