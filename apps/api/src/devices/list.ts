import { listDevices, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewDevice } from './view.ts';

/** `devices.list`. */
export const list = (store: Store) =>
  query(listDevices, async ({ recipientId }, { principal }) => {
    const found = await store.findRecipient(principal.projectId, recipientId);
    if (found === undefined) throw new TidingsError('not_found');
    return { items: found.devices.map(viewDevice) };
  });
