import { createProject, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { buildDefaultTemplates } from '../templates/default-templates.ts';
import { viewProject } from './view.ts';

/** `projects.create`. */
export const create = (store: Store) =>
  mutation(createProject, async (input, context) => {
    const made = await store.createProject(actorOf(context), {
      auditId: newId('audit'),
      project: { ...input, id: newId('project') },
      first: await buildDefaultTemplates(),
    });
    if (made === undefined) {
      throw new TidingsError('project_key_taken', {
        errors: [{ pointer: '/key', detail: 'is the key of another project' }],
      });
    }
    context.headers.location = `/v1/projects/${made.key}`;
    return viewProject(made);
  });
