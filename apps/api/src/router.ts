import type { Store } from '@tidings/db';
import type { Log } from '@tidings/runtime';
import type { Accept } from './accept/accept.ts';
import { list as listDevices } from './devices/list.ts';
import { register } from './devices/register.ts';
import { remove as removeDevice } from './devices/remove.ts';
import * as messages from './messages/get.ts';
import { cancel } from './notifications/cancel.ts';
import { get as getNotification } from './notifications/get.ts';
import { list } from './notifications/list.ts';
import { send } from './notifications/send.ts';
import { sendMany } from './notifications/send-many.ts';
import { router } from './operations.ts';
import { erase } from './recipients/erase.ts';
import { exportAll } from './recipients/export.ts';
import { get as getRecipient } from './recipients/get.ts';
import { list as listRecipients } from './recipients/list.ts';
import { upsert } from './recipients/upsert.ts';
import { upsertMany } from './recipients/upsert-many.ts';

/** Every operation of the API by its name. REST and OpenAPI are made from the same table. */
export function createRouter({ store, accept, log }: { store: Store; accept: Accept; log: Log }) {
  return router({
    notifications: router({
      send: send(accept),
      sendMany: sendMany({ accept, isOutage: store.isOutage, log }),
      get: getNotification(store),
      list: list(store),
      cancel: cancel(store),
    }),
    messages: router({ get: messages.get(store) }),
    recipients: router({
      upsert: upsert(store),
      upsertMany: upsertMany({ store, log }),
      get: getRecipient(store),
      list: listRecipients(store),
      erase: erase(store),
      export: exportAll(store),
    }),
    devices: router({
      register: register(store),
      list: listDevices(store),
      remove: removeDevice(store),
    }),
  });
}

/** The type that the client is typed with. */
export type AppRouter = ReturnType<typeof createRouter>;
