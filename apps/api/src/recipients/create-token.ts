import { createRecipientToken, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import type { Tokens } from '../auth/tokens.ts';
import { toIso } from '../iso.ts';
import { actorOf, mutation } from '../operations.ts';

/** `recipients.createToken`. */
export const createToken = (store: Store, tokens: Pick<Tokens, 'sign'>) =>
  mutation(createRecipientToken, async ({ recipientId, lifetimeSeconds }, context) => {
    const { projectId } = context.principal;
    const found = await store.findRecipient(projectId, recipientId);
    if (found === undefined || found.recipient.erasedAt !== null) throw new TidingsError('not_found');
    const { id } = found.recipient;
    const { token, expiresAt } = await tokens.sign('recipient', { subject: id, projectId }, lifetimeSeconds);
    await store.noteEvent(actorOf(context), {
      id: newId('audit'),
      projectId,
      action: createRecipientToken.name,
      target: id,
    });
    return { token, expiresAt: toIso(expiresAt) };
  });
