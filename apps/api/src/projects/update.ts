import { TidingsError, updateProject } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { unlessRefused } from '../principal.ts';
import { findForCaller } from './find-for-caller.ts';
import { viewProject } from './view.ts';

/** `projects.update`. */
export const update = (store: Store) =>
  mutation(updateProject, async ({ key, ...settings }, context) => {
    const { id } = await findForCaller(store, context.principal, key);
    const changed = unlessRefused(
      await store.updateProject(actorOf(context), { auditId: newId('audit'), id, settings }),
      'Only an account with the role "admin" has the audit trail kept for a shorter time (retention.auditDays)',
    );
    if (changed === undefined) throw new TidingsError('not_found');
    return viewProject(changed);
  });
