import { createTemplate, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { viewTemplate } from './view.ts';
import type { Workshop } from './workshop.ts';

/** `templates.create`: a draft may hold anything; it is checked when it is published. */
export const create = ({ store, workshop }: { store: Store; workshop: Workshop }) =>
  mutation(createTemplate, async (input, context) => {
    const { projectId } = context.principal;
    const { key, content, schema = {}, category = null, onAmbiguous = 'resend' } = input;
    const made = await store.createTemplate(
      projectId,
      { id: newId('template'), key, schema, category, onAmbiguous, source: { content } },
      {
        actor: actorOf(context),
        change: { id: newId('audit'), projectId, action: createTemplate.name, target: key },
      },
    );
    if (made === undefined) throw new TidingsError('template_exists');
    context.headers.location = `/v1/templates/${key}`;
    return viewTemplate(store, await workshop.find(projectId, key, made.version));
  });
