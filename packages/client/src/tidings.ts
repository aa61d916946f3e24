import type {
  acceptInvitation,
  addSuppression,
  archiveProject,
  archiveTemplate,
  cancelNotification,
  changePassword,
  createApiKey,
  createInvitation,
  createProject,
  createProvider,
  createRecipientToken,
  createSubscription,
  createTemplate,
  eraseRecipient,
  explainMessage,
  explainNotification,
  exportRecipient,
  exportSuppressions,
  extendLeases,
  getAccount,
  getApiKey,
  getCopy,
  getDeadLetter,
  getEvent,
  getMessage,
  getNotification,
  getPreferenceDefaults,
  getPreferences,
  getProject,
  getProvider,
  getRecipient,
  getSubscription,
  getSuppression,
  getTemplate,
  getTemplatePart,
  importSuppressions,
  lintTemplate,
  listAccounts,
  listApiKeys,
  listAudit,
  listCategories,
  listCopies,
  listDeadLetters,
  listDevices,
  listEvents,
  listEventTypes,
  listInvitations,
  listNotifications,
  listProjects,
  listProviders,
  listRecipients,
  listRoutes,
  listSessions,
  listSubscriptions,
  listSuppressions,
  listTemplateParts,
  listTemplates,
  listTemplateVersions,
  login,
  logout,
  me,
  Operation,
  pauseSubscription,
  previewTemplate,
  publishEvent,
  publishManyEvents,
  publishTemplate,
  receiveCopies,
  recoverSubscription,
  refresh,
  registerDevice,
  removeCategory,
  removeDevice,
  removeEventType,
  removeProvider,
  removeSubscription,
  removeSuppression,
  removeTemplatePart,
  replayDeadLetters,
  replayMessage,
  reportMessage,
  resendCopy,
  resumeSubscription,
  revokeApiKey,
  revokeInvitation,
  revokeSession,
  rollbackTemplate,
  rotateApiKey,
  rotateSubscriptionSecret,
  sendManyNotifications,
  sendNotification,
  setPreferenceDefaults,
  setPreferences,
  setRoute,
  settleCopies,
  subscribeConsumer,
  testSendTemplate,
  testSubscription,
  updateAccount,
  updateProject,
  updateProvider,
  updateSubscription,
  updateTemplate,
  upsertCategory,
  upsertEventType,
  upsertManyRecipients,
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
    explain: Mutation<typeof explainNotification>;
  };
  messages: {
    get: Query<typeof getMessage>;
    explain: Query<typeof explainMessage>;
    replay: Mutation<typeof replayMessage>;
    report: Mutation<typeof reportMessage>;
  };
  events: {
    publish: Mutation<typeof publishEvent>;
    publishMany: Mutation<typeof publishManyEvents>;
    get: Query<typeof getEvent>;
    list: Query<typeof listEvents>;
  };
  eventTypes: {
    upsert: Mutation<typeof upsertEventType>;
    list: Query<typeof listEventTypes>;
    remove: Mutation<typeof removeEventType>;
  };
  deadLetters: {
    list: Query<typeof listDeadLetters>;
    get: Query<typeof getDeadLetter>;
    replay: Mutation<typeof replayDeadLetters>;
  };
  recipients: {
    upsert: Mutation<typeof upsertRecipient>;
    upsertMany: Mutation<typeof upsertManyRecipients>;
    get: Query<typeof getRecipient>;
    list: Query<typeof listRecipients>;
    erase: Mutation<typeof eraseRecipient>;
    export: Query<typeof exportRecipient>;
    createToken: Mutation<typeof createRecipientToken>;
  };
  devices: {
    register: Mutation<typeof registerDevice>;
    list: Query<typeof listDevices>;
    remove: Mutation<typeof removeDevice>;
  };
  categories: {
    upsert: Mutation<typeof upsertCategory>;
    list: Query<typeof listCategories>;
    remove: Mutation<typeof removeCategory>;
  };
  preferences: { get: Query<typeof getPreferences>; set: Mutation<typeof setPreferences> };
  preferenceDefaults: {
    get: Query<typeof getPreferenceDefaults>;
    set: Mutation<typeof setPreferenceDefaults>;
  };
  consumers: {
    subscribe: Mutation<typeof subscribeConsumer>;
    receive: Mutation<typeof receiveCopies>;
    settle: Mutation<typeof settleCopies>;
    extend: Mutation<typeof extendLeases>;
  };
  auth: {
    login: Mutation<typeof login>;
    refresh: Mutation<typeof refresh>;
    logout: Mutation<typeof logout>;
    me: Query<typeof me>;
    changePassword: Mutation<typeof changePassword>;
  };
  sessions: { list: Query<typeof listSessions>; revoke: Mutation<typeof revokeSession> };
  accounts: {
    list: Query<typeof listAccounts>;
    get: Query<typeof getAccount>;
    update: Mutation<typeof updateAccount>;
  };
  invitations: {
    create: Mutation<typeof createInvitation>;
    list: Query<typeof listInvitations>;
    revoke: Mutation<typeof revokeInvitation>;
    accept: Mutation<typeof acceptInvitation>;
  };
  projects: {
    create: Mutation<typeof createProject>;
    list: Query<typeof listProjects>;
    get: Query<typeof getProject>;
    update: Mutation<typeof updateProject>;
    archive: Mutation<typeof archiveProject>;
  };
  providers: {
    create: Mutation<typeof createProvider>;
    list: Query<typeof listProviders>;
    get: Query<typeof getProvider>;
    update: Mutation<typeof updateProvider>;
    remove: Mutation<typeof removeProvider>;
  };
  routes: { list: Query<typeof listRoutes>; set: Mutation<typeof setRoute> };
  subscriptions: {
    create: Mutation<typeof createSubscription>;
    list: Query<typeof listSubscriptions>;
    get: Query<typeof getSubscription>;
    update: Mutation<typeof updateSubscription>;
    remove: Mutation<typeof removeSubscription>;
    pause: Mutation<typeof pauseSubscription>;
    resume: Mutation<typeof resumeSubscription>;
    rotateSecret: Mutation<typeof rotateSubscriptionSecret>;
    test: Mutation<typeof testSubscription>;
    recover: Mutation<typeof recoverSubscription>;
  };
  copies: {
    list: Query<typeof listCopies>;
    get: Query<typeof getCopy>;
    resend: Mutation<typeof resendCopy>;
  };
  suppressions: {
    list: Query<typeof listSuppressions>;
    export: Query<typeof exportSuppressions>;
    get: Query<typeof getSuppression>;
    add: Mutation<typeof addSuppression>;
    import: Mutation<typeof importSuppressions>;
    remove: Mutation<typeof removeSuppression>;
  };
  apiKeys: {
    create: Mutation<typeof createApiKey>;
    list: Query<typeof listApiKeys>;
    get: Query<typeof getApiKey>;
    rotate: Mutation<typeof rotateApiKey>;
    revoke: Mutation<typeof revokeApiKey>;
  };
  audit: { list: Query<typeof listAudit> };
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
