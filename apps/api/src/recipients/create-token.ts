import { createRecipientToken, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import type { Tokens } from '../auth/tokens.ts';
import { toIso } from '../iso.ts';
import { actorOf, mutation } from '../operations.ts';
import { unauthorized, unlessRefused } from '../principal.ts';

/** `recipients.createToken`. What a key makes ends no later than the key. */
export const createToken = (store: Store, tokens: Pick<Tokens, 'sign'>) =>
  mutation(createRecipientToken, async ({ recipientId, lifetimeSeconds }, context) => {
    const { projectId } = context.principal;
    const found = await store.findRecipient(projectId, recipientId);
    if (found === undefined || found.recipient.erasedAt !== null) throw new TidingsError('not_found');
    const { id } = found.recipient;
    const { remainingMs } = unlessRefused(
      await store.noteCredential(actorOf(context), 'manage', {
        id: newId('audit'),
        projectId,
        action: createRecipientToken.name,
        target: id,
      }),
    );
    const seconds = Math.min(lifetimeSeconds, Math.floor((remainingMs ?? Infinity) / 1000));
    if (seconds < 1) throw unauthorized();
    const { token, expiresAt } = await tokens.sign('recipient', { subject: id, projectId }, seconds);
    return { token, expiresAt: toIso(expiresAt) };
  });
