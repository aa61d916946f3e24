import type {
  archiveTemplate,
  cancelNotification,
  createTemplate,
  getMessage,
  getNotification,
  getRecipient,
  getTemplate,
  getTemplatePart,
  lintTemplate,
  listNotifications,
  listTemplateParts,
  listTemplates,
  listTemplateVersions,
  Operation,
  previewTemplate,
  publishTemplate,
  registerDevice,
  removeTemplatePart,
  rollbackTemplate,
  sendManyNotifications,
  sendNotification,
  testSendTemplate,
  updateTemplate,
  upsertRecipient,
  upsertTemplatePart,
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
  recipients: { upsert: Mutation<typeof upsertRecipient>; get: Query<typeof getRecipient> };
  devices: { register: Mutation<typeof registerDevice> };
  templates: {
    create: Mutation<typeof createTemplate>;
    get: Query<typeof getTemplate>;
    list: Query<typeof listTemplates>;
    versions: Query<typeof listTemplateVersions>;
    update: Mutation<typeof updateTemplate>;
    publish: Mutation<typeof publishTemplate>;
    rollback: Mutation<typeof rollbackTemplate>;
    archive: Mutation<typeof archiveTemplate>;
    lint: Mutation<typeof lintTemplate>;
    preview: Mutation<typeof previewTemplate>;
    testSend: Mutation<typeof testSendTemplate>;
  };
  templateParts: {
    upsert: Mutation<typeof upsertTemplatePart>;
    get: Query<typeof getTemplatePart>;
    list: Query<typeof listTemplateParts>;
    remove: Mutation<typeof removeTemplatePart>;
  };
}
