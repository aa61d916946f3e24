import type { Database } from './database.ts';
import { accept, findAnswer } from './store/accept.ts';
import {
  changePassword,
  createAccount,
  findAccount,
  findAccountByEmail,
  hasAccounts,
  listAccounts,
  updateAccount,
} from './store/accounts.ts';
import {
  createApiKey,
  findApiKey,
  getApiKey,
  listApiKeys,
  markKeysUsed,
  putApiKey,
  putOnlyApiKey,
  revokeApiKey,
  rotateApiKey,
} from './store/api-keys.ts';
import { listAudit, noteEvent } from './store/audit.ts';
import { cancel } from './store/cancel.ts';
import { listCategories, removeCategory, upsertCategory } from './store/categories.ts';
import { claim } from './store/claim.ts';
import { listDeadLetters } from './store/dead-letters.ts';
import { registerDevice, removeDevice } from './store/devices.ts';
import { endUnsendable, findExpired } from './store/end.ts';
import { beginErasure, continueErasure, dueErasures } from './store/erase.ts';
import { allSubscriptions } from './store/events/all-subscriptions.ts';
import { claimCopies } from './store/events/claim-copies.ts';
import { copiesInHand } from './store/events/copies-in-hand.ts';
import { copiesOf, getCopy, listCopies } from './store/events/copies-read.ts';
import {
  enterCopyWindow,
  hastenCopies,
  leaveCopyWindow,
  overdueCopies,
  parkCopy,
  renewCopyJobs,
} from './store/events/copies-window.ts';
import { endCopyLeasesOf, renewCopyLeases } from './store/events/copy-leases.ts';
import { copyStates } from './store/events/copy-states.ts';
import { eventTypesOf, findEventType, putEventType, removeEventType } from './store/events/event-types.ts';
import { eventsAbout, findEvent, listEvents } from './store/events/events-read.ts';
import { pruneEvents } from './store/events/events-retention.ts';
import { fanOut } from './store/events/fan-out.ts';
import { findFirstEvent, publish } from './store/events/publish.ts';
import { dataOfEvents, recoverableEvents } from './store/events/recover.ts';
import { makeCopies, resendCopies } from './store/events/resend.ts';
import { settleCopies } from './store/events/settle-copies.ts';
import {
  copyCounts,
  createSubscription,
  findConsumer,
  getSubscription,
  listSubscriptions,
  removeSubscription,
  replaceSigningSecrets,
  setSubscriptionStatus,
  updateSubscription,
} from './store/events/subscriptions.ts';
import { makeTestCopy } from './store/events/test-copy.ts';
import { recordFeedback } from './store/feedback.ts';
import { addFirstTemplates } from './store/first-templates.ts';
import {
  acceptInvitation,
  createInvitation,
  findInvitation,
  findOpenInvitation,
  listInvitations,
  revokeInvitation,
} from './store/invitations.ts';
import { laneStates } from './store/lane-states.ts';
import { endLeasesOf, renewLeases } from './store/leases.ts';
import {
  findPreferences,
  isLiveRecipient,
  listPreferenceDefaults,
  setPreferenceDefaults,
  setPreferences,
} from './store/preferences.ts';
import { projectRules } from './store/project-rules.ts';
import {
  archiveProject,
  createProject,
  ensureProject,
  findProject,
  listProjects,
  updateProject,
} from './store/projects.ts';
import {
  allRoutes,
  createProvider,
  findProvider,
  getProvider,
  listProviders,
  listRoutes,
  removeProvider,
  setRoute,
  updateProvider,
} from './store/providers.ts';
import { getMessage, getNotification, listNotifications } from './store/read.ts';
import { preferencesOf, recordOf } from './store/recipient-data.ts';
import { fillSearchKeys, findRecipient, listRecipients, upsertRecipients } from './store/recipients.ts';
import { dataOf, hasten, replay, replayCandidates, replayMessages } from './store/replay.ts';
import { pruneAudit, pruneLeft, pruneNotifications, retentions } from './store/retention.ts';
import { raiseSequence, readSequence } from './store/sequences.ts';
import {
  findLiveSession,
  listSessions,
  openSession,
  removeEndedLogins,
  revokeSession,
  rotateSession,
} from './store/sessions.ts';
import { settle } from './store/settle.ts';
import { noteCredential } from './store/standing.ts';
import {
  addSuppressions,
  getSuppression,
  listSuppressions,
  removeSuppression,
  suppressionsOf,
} from './store/suppression-list.ts';
import {
  allTemplateParts,
  deleteTemplatePart,
  getTemplatePart,
  listTemplateParts,
  putTemplatePart,
} from './store/template-parts.ts';
import { getTemplate, listTemplates, listTemplateVersions } from './store/template-read.ts';
import {
  archiveTemplate,
  createTemplate,
  publishTemplate,
  rollbackTemplate,
  startDraft,
  updateDraft,
} from './store/template-versions.ts';
import { defaultLocaleOf, publishedTemplate, templateById } from './store/templates.ts';
import { findUnsubscribePage, suppressionKeyOf, unsubscribe } from './store/unsubscribe.ts';
import {
  enterWindow,
  hasBacklogOver,
  leaveWindow,
  overdue,
  parkMessage,
  renewJobs,
  stillWaiting,
} from './store/window.ts';

const operations = {
  accept,
  acceptInvitation,
  addFirstTemplates,
  addSuppressions,
  allRoutes,
  allSubscriptions,
  allTemplateParts,
  archiveProject,
  archiveTemplate,
  beginErasure,
  cancel,
  changePassword,
  claim,
  claimCopies,
  continueErasure,
  copiesInHand,
  copiesOf,
  copyCounts,
  copyStates,
  createAccount,
  createApiKey,
  createInvitation,
  createProject,
  createProvider,
  createSubscription,
  createTemplate,
  dataOf,
  dataOfEvents,
  defaultLocaleOf,
  deleteTemplatePart,
  dueErasures,
  endCopyLeasesOf,
  endLeasesOf,
  endUnsendable,
  ensureProject,
  enterCopyWindow,
  enterWindow,
  eventTypesOf,
  eventsAbout,
  fanOut,
  fillSearchKeys,
  findAccount,
  findAccountByEmail,
  findAnswer,
  findApiKey,
  findConsumer,
  findEvent,
  findEventType,
  findExpired,
  findFirstEvent,
  findInvitation,
  findLiveSession,
  findOpenInvitation,
  findPreferences,
  findProject,
  findProvider,
  findRecipient,
  findUnsubscribePage,
  getApiKey,
  getCopy,
  getMessage,
  getNotification,
  getProvider,
  getSubscription,
  getSuppression,
  getTemplate,
  getTemplatePart,
  hasAccounts,
  hasBacklogOver,
  hasten,
  hastenCopies,
  isLiveRecipient,
  laneStates,
  leaveCopyWindow,
  leaveWindow,
  listAccounts,
  listApiKeys,
  listAudit,
  listCategories,
  listCopies,
  listDeadLetters,
  listEvents,
  listInvitations,
  listNotifications,
  listPreferenceDefaults,
  listProjects,
  listProviders,
  listRecipients,
  listRoutes,
  listSessions,
  listSubscriptions,
  listSuppressions,
  listTemplateParts,
  listTemplateVersions,
  listTemplates,
  makeCopies,
  makeTestCopy,
  markKeysUsed,
  noteCredential,
  noteEvent,
  openSession,
  overdue,
  overdueCopies,
  parkCopy,
  parkMessage,
  preferencesOf,
  projectRules,
  pruneAudit,
  pruneEvents,
  pruneLeft,
  pruneNotifications,
  publish,
  publishTemplate,
  publishedTemplate,
  putApiKey,
  putEventType,
  putOnlyApiKey,
  putTemplatePart,
  raiseSequence,
  readSequence,
  recordFeedback,
  recordOf,
  recoverableEvents,
  registerDevice,
  removeCategory,
  removeDevice,
  removeEndedLogins,
  removeEventType,
  removeProvider,
  removeSubscription,
  removeSuppression,
  renewCopyJobs,
  renewCopyLeases,
  renewJobs,
  renewLeases,
  replaceSigningSecrets,
  replay,
  replayCandidates,
  replayMessages,
  resendCopies,
  retentions,
  revokeApiKey,
  revokeInvitation,
  revokeSession,
  rollbackTemplate,
  rotateApiKey,
  rotateSession,
  setPreferenceDefaults,
  setPreferences,
  setRoute,
  setSubscriptionStatus,
  settle,
  settleCopies,
  startDraft,
  stillWaiting,
  suppressionKeyOf,
  suppressionsOf,
  templateById,
  unsubscribe,
  updateAccount,
  updateDraft,
  updateProject,
  updateProvider,
  updateSubscription,
  upsertCategory,
  upsertRecipients,
};

type Bound<Operation> = Operation extends (database: Database, ...rest: infer Rest) => infer Result
  ? (...rest: Rest) => Result
  : never;

/** Every operation of the record, bound to one database. One operation is one file's worth of SQL. */
export type Store = { [Name in keyof typeof operations]: Bound<(typeof operations)[Name]> } & {
  isOutage(error: unknown): boolean;
};

export function createStore(database: Database): Store {
  const bound = Object.fromEntries(
    Object.entries(operations).map(([name, operation]) => [
      name,
      (...rest: unknown[]) => (operation as (...all: unknown[]) => unknown)(database, ...rest),
    ]),
  );
  return { ...bound, isOutage: database.isOutage } as Store;
}
