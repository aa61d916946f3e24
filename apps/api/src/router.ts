import type { Store } from '@tidings/db';
import type { Log } from '@tidings/runtime';
import type { Accept } from './accept/accept.ts';
import { create as createKey } from './api-keys/create.ts';
import { get as getKey } from './api-keys/get.ts';
import { list as listKeys } from './api-keys/list.ts';
import { revoke as revokeKey } from './api-keys/revoke.ts';
import { rotate as rotateKey } from './api-keys/rotate.ts';
import { list as listAudit } from './audit/list.ts';
import * as messages from './messages/get.ts';
import { cancel } from './notifications/cancel.ts';
import { get as getNotification } from './notifications/get.ts';
import { list } from './notifications/list.ts';
import { send } from './notifications/send.ts';
import { sendMany } from './notifications/send-many.ts';
import { router } from './operations.ts';
import { archive as archiveProject } from './projects/archive.ts';
import { create as createProject } from './projects/create.ts';
import { get as getProject } from './projects/get.ts';
import { list as listProjects } from './projects/list.ts';
import { update as updateProject } from './projects/update.ts';
import { get as getRecipient } from './recipients/get.ts';
import { register } from './recipients/register-device.ts';
import { upsert } from './recipients/upsert.ts';

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
    recipients: router({ upsert: upsert(store), get: getRecipient(store) }),
    devices: router({ register: register(store) }),
    projects: router({
      create: createProject(store),
      list: listProjects(store),
      get: getProject(store),
      update: updateProject(store),
      archive: archiveProject(store),
    }),
    apiKeys: router({
      create: createKey(store),
      list: listKeys(store),
      get: getKey(store),
      rotate: rotateKey(store),
      revoke: revokeKey(store),
    }),
    audit: router({ list: listAudit(store) }),
  });
}

/** The type that the client is typed with. */
export type AppRouter = ReturnType<typeof createRouter>;
