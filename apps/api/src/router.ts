import type { Store } from '@tidings/db';
import type { Log } from '@tidings/runtime';
import type { Accept } from './accept/accept.ts';
import type { Tokens } from './auth/tokens.ts';
import { list as listCategories } from './categories/list.ts';
import { remove as removeCategory } from './categories/remove.ts';
import { upsert as upsertCategory } from './categories/upsert.ts';
import * as messages from './messages/get.ts';
import { cancel } from './notifications/cancel.ts';
import { get as getNotification } from './notifications/get.ts';
import { list } from './notifications/list.ts';
import { send } from './notifications/send.ts';
import { sendMany } from './notifications/send-many.ts';
import { router } from './operations.ts';
import { get as getPreferences } from './preferences/get.ts';
import { getDefaults } from './preferences/get-defaults.ts';
import { set as setPreferences } from './preferences/set.ts';
import { setDefaults } from './preferences/set-defaults.ts';
import { createToken } from './recipients/create-token.ts';
import { get as getRecipient } from './recipients/get.ts';
import { register } from './recipients/register-device.ts';
import { upsert } from './recipients/upsert.ts';

/** Every operation of the API by its name. REST and OpenAPI are made from the same table. */
export function createRouter(options: { store: Store; accept: Accept; tokens: Tokens; log: Log }) {
  const { store, accept, tokens, log } = options;
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
      get: getRecipient(store),
      createToken: createToken(store, tokens),
    }),
    devices: router({ register: register(store) }),
    categories: router({
      upsert: upsertCategory(store),
      list: listCategories(store),
      remove: removeCategory(store),
    }),
    preferences: router({ get: getPreferences(store), set: setPreferences(store) }),
    preferenceDefaults: router({ get: getDefaults(store), set: setDefaults(store) }),
  });
}

/** The type that the client is typed with. */
export type AppRouter = ReturnType<typeof createRouter>;
