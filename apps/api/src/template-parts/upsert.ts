import { upsertTemplatePart } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { viewTemplatePart } from './view.ts';

/** `templateParts.upsert`. */
export const upsert = (store: Store) =>
  mutation(upsertTemplatePart, async ({ kind, key, ...source }, context) => {
    const { projectId } = context.principal;
    const change = {
      id: newId('audit'),
      projectId,
      action: upsertTemplatePart.name,
      target: `${kind}/${key}`,
      fields: Object.keys(source),
    };
    return viewTemplatePart(
      await store.putTemplatePart(projectId, { kind, key }, source, { actor: actorOf(context), change }),
    );
  });
