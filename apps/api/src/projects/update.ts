import { TidingsError, updateProject } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { findForCaller } from './find-for-caller.ts';
import { viewProject } from './view.ts';

/** `projects.update`. */
export const update = (store: Store) =>
  mutation(updateProject, async ({ key, ...settings }, context) => {
    const { id } = await findForCaller(store, context.principal, key);
    const changed = await store.updateProject(actorOf(context), { auditId: newId('audit'), id, settings });
    if (changed === undefined) throw new TidingsError('not_found');
    return viewProject(changed);
  });
