import type { Accept, MakePlan, TemplateCache } from '@tidings/accept';
import type { Store } from '@tidings/db';
import type { Log, Metrics, Seal, Secrets } from '@tidings/runtime';
import type { BuildTools, Schemas } from '@tidings/templates';
import { get as getAccount } from './accounts/get.ts';
import { list as listAccounts } from './accounts/list.ts';
import { update as updateAccount } from './accounts/update.ts';
import { create as createKey } from './api-keys/create.ts';
import { get as getKey } from './api-keys/get.ts';
import { list as listKeys } from './api-keys/list.ts';
import { revoke as revokeKey } from './api-keys/revoke.ts';
import { rotate as rotateKey } from './api-keys/rotate.ts';
import { list as listAudit } from './audit/list.ts';
import { changePassword } from './auth/change-password.ts';
import { login } from './auth/login.ts';
import type { Brake, LoginLimit } from './auth/login-limit.ts';
import { logout } from './auth/logout.ts';
import { me } from './auth/me.ts';
import type { Passwords } from './auth/passwords.ts';
import { refresh } from './auth/refresh.ts';
import type { Sessions } from './auth/sessions.ts';
import type { Tokens } from './auth/tokens.ts';
import { list as listCategories } from './categories/list.ts';
import { remove as removeCategory } from './categories/remove.ts';
import { upsert as upsertCategory } from './categories/upsert.ts';
import { extend } from './consumers/extend.ts';
import { createFindConsumer } from './consumers/find-consumer.ts';
import { receive } from './consumers/receive.ts';
import { settle } from './consumers/settle.ts';
import { subscribe } from './consumers/subscribe.ts';
import { createTakeCopies } from './consumers/take.ts';
import type { Takers } from './consumers/takers.ts';
import { get as getCopy } from './copies/get.ts';
import { list as listCopies } from './copies/list.ts';
import { resend } from './copies/resend.ts';
import { get as getDeadLetter } from './dead-letters/get.ts';
import { list as listDeadLetters } from './dead-letters/list.ts';
import { replay as replayDeadLetters } from './dead-letters/replay.ts';
import { list as listDevices } from './devices/list.ts';
import { register } from './devices/register.ts';
import { remove as removeDevice } from './devices/remove.ts';
import type { DeclaredTypes } from './event-types/declared.ts';
import { list as listEventTypes } from './event-types/list.ts';
import { remove as removeEventType } from './event-types/remove.ts';
import { upsert as upsertEventType } from './event-types/upsert.ts';
import type { AcceptEvent } from './events/accept-events.ts';
import { get as getEvent } from './events/get.ts';
import { list as listEvents } from './events/list.ts';
import { publish as publishEvent } from './events/publish.ts';
import { publishMany as publishManyEvents } from './events/publish-many.ts';
import type { RecordFeedback } from './feedback/record-feedback.ts';
import { accept as acceptInvitation } from './invitations/accept.ts';
import { create as createInvitation } from './invitations/create.ts';
import { list as listInvitations } from './invitations/list.ts';
import { revoke as revokeInvitation } from './invitations/revoke.ts';
import { explain as explainMessage } from './messages/explain.ts';
import { get as getMessage } from './messages/get.ts';
import { replay } from './messages/replay.ts';
import { createReplays } from './messages/replays.ts';
import { report } from './messages/report.ts';
import { cancel } from './notifications/cancel.ts';
import { explain as explainNotification } from './notifications/explain.ts';
import type { ForeseeMessages } from './notifications/foresee.ts';
import { get as getNotification } from './notifications/get.ts';
import { list } from './notifications/list.ts';
import { send } from './notifications/send.ts';
import { sendMany } from './notifications/send-many.ts';
import { router } from './operations.ts';
import { get as getPreferences } from './preferences/get.ts';
import { getDefaults } from './preferences/get-defaults.ts';
import { set as setPreferences } from './preferences/set.ts';
import { setDefaults } from './preferences/set-defaults.ts';
import { archive as archiveProject } from './projects/archive.ts';
import { create as createProject } from './projects/create.ts';
import { get as getProject } from './projects/get.ts';
import { list as listProjects } from './projects/list.ts';
import { update as updateProject } from './projects/update.ts';
import { create as createProvider } from './providers/create.ts';
import { get as getProvider } from './providers/get.ts';
import { list as listProviders } from './providers/list.ts';
import { remove as removeProvider } from './providers/remove.ts';
import { update as updateProvider } from './providers/update.ts';
import { createToken } from './recipients/create-token.ts';
import { erase } from './recipients/erase.ts';
import { exportAll } from './recipients/export.ts';
import { get as getRecipient } from './recipients/get.ts';
import { list as listRecipients } from './recipients/list.ts';
import { upsert } from './recipients/upsert.ts';
import { upsertMany } from './recipients/upsert-many.ts';
import { list as listRoutes } from './routes/list.ts';
import { set as setRoute } from './routes/set.ts';
import { list as listSessions } from './sessions/list.ts';
import { revoke as revokeSession } from './sessions/revoke.ts';
import { create as createSubscription } from './subscriptions/create.ts';
import { get as getSubscription } from './subscriptions/get.ts';
import { list as listSubscriptions } from './subscriptions/list.ts';
import { pause } from './subscriptions/pause.ts';
import { recover } from './subscriptions/recover.ts';
import { remove as removeSubscription } from './subscriptions/remove.ts';
import { resume } from './subscriptions/resume.ts';
import { rotateSecret } from './subscriptions/rotate-secret.ts';
import { test } from './subscriptions/test.ts';
import { update as updateSubscription } from './subscriptions/update.ts';
import { add as addSuppression } from './suppressions/add.ts';
import { exportAll as exportSuppressions } from './suppressions/export.ts';
import { get as getSuppression } from './suppressions/get.ts';
import { importMany as importSuppressions } from './suppressions/import.ts';
import { list as listSuppressions } from './suppressions/list.ts';
import { remove as removeSuppression } from './suppressions/remove.ts';
import { get as getPart } from './template-parts/get.ts';
import { list as listParts } from './template-parts/list.ts';
import { remove as removePart } from './template-parts/remove.ts';
import { upsert as upsertPart } from './template-parts/upsert.ts';
import { createTemplatesRouter } from './templates/router.ts';

/** What logging in needs. */
export interface Logins {
  sessions: Sessions;
  passwords: Passwords;
  limit: LoginLimit;
  passwordLimit: Brake;
  /** See `auth.refresh`. */
  refreshKeys: Secrets<Buffer>;
}

/** Every operation of the API by its name. REST and OpenAPI are made from the same table. */
export function createRouter(options: {
  store: Store;
  accept: Accept;
  /** Plans a send that is not stored. */
  makePlan: MakePlan;
  foresee: ForeseeMessages;
  tokens: Tokens;
  templates: TemplateCache;
  acceptEvent: AcceptEvent;
  declared: DeclaredTypes;
  /** Of the data of events. */
  eventSchemas: Schemas;
  tools: BuildTools;
  log: Log;
  metrics: Metrics;
  logins: Logins;
  seal: Seal;
  recordFeedback: RecordFeedback;
  takers: Takers;
  /** Lets the next copy of an ordered subscription into its queue. */
  onNext: (subscriptionId: string) => Promise<unknown>;
}) {
  const { store, accept, makePlan, foresee, tokens, templates, tools, log, metrics, logins, seal } = options;
  const { recordFeedback, acceptEvent, declared, eventSchemas, takers, onNext } = options;
  const findConsumer = createFindConsumer(store);
  const replays = createReplays({ store, findTemplate: templates.find });
  return router({
    notifications: router({
      send: send(accept),
      sendMany: sendMany({ accept, isOutage: store.isOutage, log }),
      get: getNotification(store),
      list: list(store),
      cancel: cancel(store),
      explain: explainNotification({ makePlan, foresee }),
    }),
    messages: router({
      get: getMessage(store),
      explain: explainMessage(store),
      replay: replay(replays),
      report: report({ store, recordFeedback }),
    }),
    events: router({
      publish: publishEvent(acceptEvent),
      publishMany: publishManyEvents({ acceptEvent, isOutage: store.isOutage, log }),
      get: getEvent(store),
      list: listEvents(store),
    }),
    eventTypes: router({
      upsert: upsertEventType({ store, schemas: eventSchemas, declared }),
      list: listEventTypes(store),
      remove: removeEventType({ store, declared }),
    }),
    deadLetters: router({
      list: listDeadLetters(store),
      get: getDeadLetter({ store, engine: tools.engine }),
      replay: replayDeadLetters({ store, replays }),
    }),
    recipients: router({
      upsert: upsert(store),
      upsertMany: upsertMany({ store, log }),
      get: getRecipient(store),
      list: listRecipients(store),
      erase: erase(store),
      export: exportAll(store),
      createToken: createToken(store, tokens),
    }),
    devices: router({
      register: register(store),
      list: listDevices(store),
      remove: removeDevice(store),
    }),
    categories: router({
      upsert: upsertCategory(store),
      list: listCategories(store),
      remove: removeCategory(store),
    }),
    preferences: router({ get: getPreferences(store), set: setPreferences(store) }),
    preferenceDefaults: router({ get: getDefaults(store), set: setDefaults(store) }),
    consumers: router({
      subscribe: subscribe(store),
      receive: receive({ findConsumer, takeCopies: createTakeCopies({ store, takers }), takers }),
      settle: settle({ store, findConsumer, takers, metrics, onNext }),
      extend: extend({ store, findConsumer, takers }),
    }),
    auth: router({
      login: login({ store, metrics, ...logins }),
      refresh: refresh({ store, ...logins }),
      logout: logout(store),
      me: me(store),
      changePassword: changePassword({ store, ...logins }),
    }),
    sessions: router({ list: listSessions(store), revoke: revokeSession(store) }),
    accounts: router({
      list: listAccounts(store),
      get: getAccount(store),
      update: updateAccount(store),
    }),
    invitations: router({
      create: createInvitation(store),
      list: listInvitations(store),
      revoke: revokeInvitation(store),
      accept: acceptInvitation({ store, ...logins }),
    }),
    projects: router({
      create: createProject(store),
      list: listProjects(store),
      get: getProject(store),
      update: updateProject(store),
      archive: archiveProject(store),
    }),
    providers: router({
      create: createProvider({ store, seal }),
      list: listProviders(store),
      get: getProvider(store),
      update: updateProvider({ store, seal }),
      remove: removeProvider(store),
    }),
    routes: router({ list: listRoutes(store), set: setRoute(store) }),
    subscriptions: router({
      create: createSubscription({ store, seal }),
      list: listSubscriptions(store),
      get: getSubscription(store),
      update: updateSubscription(store),
      remove: removeSubscription(store),
      pause: pause(store),
      resume: resume(store),
      rotateSecret: rotateSecret({ store, seal }),
      test: test(store),
      recover: recover(store),
    }),
    copies: router({ list: listCopies(store), get: getCopy(store), resend: resend(store) }),
    suppressions: router({
      list: listSuppressions(store),
      // Before `get`, whose path takes any last segment.
      export: exportSuppressions(store),
      get: getSuppression(store),
      add: addSuppression(store),
      import: importSuppressions({ store, log }),
      remove: removeSuppression(store),
    }),
    apiKeys: router({
      create: createKey(store),
      list: listKeys(store),
      get: getKey(store),
      rotate: rotateKey(store),
      revoke: revokeKey(store),
    }),
    audit: router({ list: listAudit(store) }),
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
