import { upsertRecipient } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { viewRecipient } from './view.ts';

/** `recipients.upsert`. */
export const upsert = (store: Store) =>
  mutation(upsertRecipient, async (input, context) => {
    const { projectId } = context.principal;
    const actor = actorOf(context);
    const ids = { id: newId('recipient'), auditId: newId('audit') };
    const [recipient] = await store.upsertRecipients([
      { ...ids, projectId, actor, action: upsertRecipient.name, input },
    ]);
    if (recipient === undefined) throw new Error('an upsert answered no recipient');
    // Not by its external id: it may have been erased since, and somebody new may have that.
    const found = await store.findRecipient(projectId, recipient.id);
    return viewRecipient(found ?? { recipient, devices: [] });
  });
