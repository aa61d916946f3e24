import { listEventTypes } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewEventType } from './view.ts';

/** `eventTypes.list`. */
export const list = (store: Store) =>
  query(listEventTypes, async (_, { principal }) => {
    const found = await store.eventTypesOf(principal.projectId);
    return { items: found.map(viewEventType) };
  });
