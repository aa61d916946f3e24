import type { TemplateCache } from '@tidings/accept';
import { rollbackTemplate, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import type { Workshop } from './workshop.ts';

/** `templates.rollback`: the version is not copied, so that a notification names the one that it was sent with. */
export const rollback = ({
  store,
  workshop,
  cache,
}: {
  store: Store;
  workshop: Workshop;
  cache: TemplateCache;
}) =>
  mutation(rollbackTemplate, async ({ key, version }, context) => {
    const { projectId } = context.principal;
    const { shown } = await workshop.find(projectId, key, version);
    const inUse = await store.rollbackTemplate(projectId, shown.id, {
      actor: actorOf(context),
      change: {
        id: newId('audit'),
        projectId,
        action: rollbackTemplate.name,
        target: key,
        fields: ['version'],
      },
    });
    if (inUse === undefined) throw new TidingsError('not_published');
    cache.forget(projectId, key);
    return { key, publishedVersion: inUse.version, archivedAt: null };
  });
