import { removeEventType, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import type { DeclaredTypes } from './declared.ts';

/** `eventTypes.remove`. */
export const remove = ({ store, declared }: { store: Store; declared: DeclaredTypes }) =>
  mutation(removeEventType, async ({ type }, context) => {
    const { projectId } = context.principal;
    const removed = await store.removeEventType(actorOf(context), {
      projectId,
      type,
      auditId: newId('audit'),
    });
    if (!removed) throw new TidingsError('not_found');
    declared.forget(projectId, type);
    return { type };
  });
