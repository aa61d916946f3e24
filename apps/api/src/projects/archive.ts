import { archiveProject, defaultProjectKey, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { viewProject } from './view.ts';

/** `projects.archive`. Archiving twice answers the same. */
export const archive = (store: Store) =>
  mutation(archiveProject, async ({ key }, context) => {
    if (key === defaultProjectKey) {
      throw new TidingsError('project_not_archivable', {
        errors: [{ pointer: '/key', detail: 'is the project that every start needs' }],
      });
    }
    const archived = await store.archiveProject(actorOf(context), { auditId: newId('audit'), key });
    const project = archived ?? (await store.findProject(key));
    if (project === undefined) throw new TidingsError('not_found');
    return viewProject(project);
  });
