import { type QueueSettings, TidingsError } from '@tidings/contracts';
import type { Store, SubscriptionRow } from '@tidings/db';
import { remembered } from '../remembered.ts';

/** Whoever waits looks ten times a second; a pause may be a second late. */
const rememberedMs = 1000;

/** A subscription whose copies are asked for. */
export type Consumer = SubscriptionRow & { settings: QueueSettings };

/**
 * Finds the queue consumer of this name in a project.
 *
 * @throws TidingsError `not_found`, also where another kind of subscription has the name.
 */
export type FindConsumer = (projectId: string, name: string) => Promise<Consumer>;

export function createFindConsumer(store: Store): FindConsumer {
  const find = remembered(rememberedMs, (key) => {
    // Neither has a slash in it.
    const [projectId = '', name = ''] = key.split('/');
    return store.findConsumer(projectId, name);
  });
  return async (projectId, name) => {
    const found = await find(`${projectId}/${name}`);
    if (found?.settings.kind !== 'queue') throw new TidingsError('not_found');
    return { ...found, settings: found.settings };
  };
}
