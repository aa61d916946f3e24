import { TidingsError, updateTemplate } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { revisionOf, schemaOf, sourceOf } from './version-of.ts';
import { viewTemplate } from './view.ts';
import type { Workshop } from './workshop.ts';

/**
 * `templates.update`: changes the draft as somebody has read it, or begins one from the version in use. What is
 * left out stays.
 */
export const update = ({ store, workshop }: { store: Store; workshop: Workshop }) =>
  mutation(updateTemplate, async ({ key, revision, ...given }, context) => {
    const { projectId } = context.principal;
    const { shown, versions } = await workshop.find(projectId, key);
    if (revisionOf(shown) !== revision) throw new TidingsError('revision_conflict');
    const fields = {
      schema: given.schema ?? schemaOf(shown),
      category: given.category === undefined ? shown.category : given.category,
      onAmbiguous: given.onAmbiguous ?? shown.onAmbiguous,
      source: { content: given.content ?? sourceOf(shown) },
    };
    const recorded = {
      actor: actorOf(context),
      change: {
        id: newId('audit'),
        projectId,
        action: updateTemplate.name,
        target: key,
        fields: Object.keys(given),
      },
    };
    const newest = versions[0]?.version ?? 0;
    const changed =
      shown.publishedAt === null
        ? await store.updateDraft(projectId, { id: shown.id, revision }, fields, recorded)
        : await store.startDraft(
            projectId,
            { ...fields, id: newId('template'), key, version: newest + 1 },
            recorded,
          );
    if (changed === undefined) throw new TidingsError('revision_conflict');
    return viewTemplate(store, await workshop.find(projectId, key, changed.version));
  });
