import type { TemplateCache } from '@tidings/accept';
import { archiveTemplate } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { isoOrNull } from '../iso.ts';
import { actorOf, mutation } from '../operations.ts';
import type { Workshop } from './workshop.ts';

/** `templates.archive`: what was accepted is still delivered. Archiving twice changes nothing. */
export const archive = ({
  store,
  workshop,
  cache,
}: {
  store: Store;
  workshop: Workshop;
  cache: TemplateCache;
}) =>
  mutation(archiveTemplate, async ({ key }, context) => {
    const { projectId } = context.principal;
    await workshop.find(projectId, key);
    await store.archiveTemplate(projectId, key, {
      actor: actorOf(context),
      change: { id: newId('audit'), projectId, action: archiveTemplate.name, target: key },
    });
    cache.forget(projectId, key);
    const { inUse } = await workshop.find(projectId, key);
    return { key, publishedVersion: null, archivedAt: isoOrNull(inUse?.archivedAt ?? null) };
  });
