import type { Store } from '@tidings/db';
import type { Log } from '@tidings/runtime';
import type { BuildTools } from '@tidings/templates';
import type { Accept } from './accept/accept.ts';
import type { TemplateCache } from './accept/template-cache.ts';
import * as messages from './messages/get.ts';
import { cancel } from './notifications/cancel.ts';
import { get as getNotification } from './notifications/get.ts';
import { list } from './notifications/list.ts';
import { send } from './notifications/send.ts';
import { sendMany } from './notifications/send-many.ts';
import { router } from './operations.ts';
import { get as getRecipient } from './recipients/get.ts';
import { register } from './recipients/register-device.ts';
import { upsert } from './recipients/upsert.ts';
import { get as getPart } from './template-parts/get.ts';
import { list as listParts } from './template-parts/list.ts';
import { remove as removePart } from './template-parts/remove.ts';
import { upsert as upsertPart } from './template-parts/upsert.ts';
import { createTemplatesRouter } from './templates/router.ts';

/** Every operation of the API by its name. REST and OpenAPI are made from the same table. */
export function createRouter(options: {
  store: Store;
  accept: Accept;
  templates: TemplateCache;
  tools: BuildTools;
  log: Log;
}) {
  const { store, accept, templates, tools, log } = options;
  return router({
    notifications: router({
      send: send(accept),
      sendMany: sendMany({ accept, isOutage: store.isOutage, log }),
      get: getNotification(store),
      list: list(store),
      cancel: cancel(store),
    }),
    messages: router({ get: messages.get(store) }),
    recipients: router({ upsert: upsert(store), get: getRecipient(store) }),
    devices: router({ register: register(store) }),
    templates: createTemplatesRouter({ store, accept, cache: templates, tools }),
    templateParts: router({
      upsert: upsertPart(store),
      get: getPart(store),
      list: listParts(store),
      remove: removePart(store),
    }),
  });
}

/** The type that the client is typed with. */
export type AppRouter = ReturnType<typeof createRouter>;
