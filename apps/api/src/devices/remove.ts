import { removeDevice, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { viewDevice } from './view.ts';

/** `devices.remove`. */
export const remove = (store: Store) =>
  mutation(removeDevice, async ({ recipientId, deviceId }, context) => {
    const { projectId } = context.principal;
    const found = await store.findRecipient(projectId, recipientId);
    if (found === undefined) throw new TidingsError('not_found');
    const removed = await store.removeDevice(
      projectId,
      { id: deviceId, recipientId: found.recipient.id },
      { actor: actorOf(context), auditId: newId('audit') },
    );
    if (removed === undefined) throw new TidingsError('not_found');
    return viewDevice(removed);
  });
