import { listEvents } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { toPage } from '../page.ts';
import { viewEvent } from './view.ts';

/** `events.list`. */
export const list = (store: Store) =>
  query(listEvents, async (input, { principal }) => {
    const found = await store.listEvents(principal.projectId, input);
    const copies = Map.groupBy(await store.copiesOf(found.map(({ id }) => id)), ({ copy }) => copy.eventId);
    return toPage(found, input, (event) => viewEvent(event, copies.get(event.id) ?? []));
  });
