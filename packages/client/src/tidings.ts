import type {
  cancelNotification,
  eraseRecipient,
  exportRecipient,
  getMessage,
  getNotification,
  getRecipient,
  listDevices,
  listNotifications,
  listRecipients,
  Operation,
  registerDevice,
  removeDevice,
  sendManyNotifications,
  sendNotification,
  upsertManyRecipients,
  upsertRecipient,
} from '@tidings/contracts';
import type { z } from 'zod';

/** What may go with any call. */
export interface CallOptions {
  /** Gives the call up. A send that may have arrived is safe to repeat with its `idempotencyKey`. */
  signal?: AbortSignal;
}

/** A call that changes something. */
export interface Mutation<Of extends Operation> {
  mutate(input: z.input<Of['input']>, options?: CallOptions): Promise<z.output<Of['output']>>;
}

/** A call that only reads. */
export interface Query<Of extends Operation> {
  query(input: z.input<Of['input']>, options?: CallOptions): Promise<z.output<Of['output']>>;
}

/**
 * Every operation of Tidings, typed: `tidings.notifications.send.mutate({ … })`.
 *
 * Written out from the contracts rather than taken from the API's router, so that the published types need
 * neither the API nor its database; a test holds the two together.
 */
export interface Tidings {
  notifications: {
    send: Mutation<typeof sendNotification>;
    sendMany: Mutation<typeof sendManyNotifications>;
    get: Query<typeof getNotification>;
    list: Query<typeof listNotifications>;
    cancel: Mutation<typeof cancelNotification>;
  };
  messages: { get: Query<typeof getMessage> };
  recipients: {
    upsert: Mutation<typeof upsertRecipient>;
    upsertMany: Mutation<typeof upsertManyRecipients>;
    get: Query<typeof getRecipient>;
    list: Query<typeof listRecipients>;
    erase: Mutation<typeof eraseRecipient>;
    export: Query<typeof exportRecipient>;
  };
  devices: {
    register: Mutation<typeof registerDevice>;
    list: Query<typeof listDevices>;
    remove: Mutation<typeof removeDevice>;
  };
}
