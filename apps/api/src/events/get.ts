import { getEvent, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewEvent } from './view.ts';

/** `events.get`. */
export const get = (store: Store) =>
  query(getEvent, async ({ id, source = '' }, { principal }) => {
    const event = await store.findEvent(principal.projectId, id, source);
    if (event === undefined) throw new TidingsError('not_found');
    return { ...viewEvent(event, await store.copiesOf([event.id])), data: event.data };
  });
