import type { TemplateCache } from '@tidings/accept';
import { publishTemplate, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { revisionOf, sourceOf } from './version-of.ts';
import { refuseErrors, type Workshop } from './workshop.ts';

/** `templates.publish`: what was checked is what is frozen, or nothing is. */
export const publish = ({
  store,
  workshop,
  cache,
}: {
  store: Store;
  workshop: Workshop;
  cache: TemplateCache;
}) =>
  mutation(publishTemplate, async ({ key, revision }, context) => {
    const { projectId } = context.principal;
    const { shown } = await workshop.find(projectId, key);
    if (shown.publishedAt !== null) throw new TidingsError('no_draft');
    if (revision !== undefined && revision !== revisionOf(shown)) throw new TidingsError('revision_conflict');
    const { content, parts, findings } = await workshop.build(shown);
    refuseErrors(findings);
    const published = await store.publishTemplate(
      projectId,
      { id: shown.id, revision: revisionOf(shown) },
      { content, source: { content: sourceOf(shown), parts } },
      {
        actor: actorOf(context),
        change: { id: newId('audit'), projectId, action: publishTemplate.name, target: key },
      },
    );
    if (published === undefined) throw new TidingsError('revision_conflict');
    cache.forget(projectId, key);
    return { key, publishedVersion: published.version, archivedAt: null, warnings: findings };
  });
