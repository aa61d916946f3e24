import { resendCopy, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { viewCopyLine } from './view.ts';

/** `copies.resend`. */
export const resend = (store: Store) =>
  mutation(resendCopy, async ({ id }, context) => {
    const { projectId } = context.principal;
    const change = { id: newId('audit'), projectId, action: resendCopy.name, target: id };
    const [resent] = await store.resendCopies(projectId, [id], { actor: actorOf(context), change });
    const found = await store.getCopy(projectId, id);
    if (found === undefined) throw new TidingsError('not_found');
    if (resent === undefined) throw new TidingsError('not_resendable');
    return viewCopyLine(found);
  });
