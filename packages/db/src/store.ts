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
import { addFirstTemplates } from './store/first-templates.ts';
import {
  acceptInvitation,
  createInvitation,
  findInvitation,
  findOpenInvitation,
  listInvitations,
  revokeInvitation,
} from './store/invitations.ts';
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
import { suppressionsOf } from './store/suppressions.ts';
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
import {
  enterWindow,
  hasBacklogOver,
  laneStates,
  leaveWindow,
  overdue,
  parkMessage,
  renewJobs,
} from './store/window.ts';

const operations = {
  accept,
  acceptInvitation,
  addFirstTemplates,
  allRoutes,
  allTemplateParts,
  archiveProject,
  archiveTemplate,
  beginErasure,
  cancel,
  changePassword,
  claim,
  continueErasure,
  createAccount,
  createApiKey,
  createInvitation,
  createProject,
  createProvider,
  createTemplate,
  dataOf,
  defaultLocaleOf,
  deleteTemplatePart,
  dueErasures,
  endLeasesOf,
  endUnsendable,
  ensureProject,
  enterWindow,
  fillSearchKeys,
  findAccount,
  findAccountByEmail,
  findAnswer,
  findApiKey,
  findExpired,
  findInvitation,
  findLiveSession,
  findOpenInvitation,
  findPreferences,
  findProject,
  findRecipient,
  getApiKey,
  getMessage,
  getNotification,
  getProvider,
  getTemplate,
  getTemplatePart,
  hasAccounts,
  hasBacklogOver,
  hasten,
  isLiveRecipient,
  laneStates,
  leaveWindow,
  listAccounts,
  listApiKeys,
  listAudit,
  listCategories,
  listDeadLetters,
  listInvitations,
  listNotifications,
  listPreferenceDefaults,
  listProjects,
  listProviders,
  listRecipients,
  listRoutes,
  listSessions,
  listTemplateParts,
  listTemplateVersions,
  listTemplates,
  markKeysUsed,
  noteCredential,
  noteEvent,
  openSession,
  overdue,
  parkMessage,
  preferencesOf,
  projectRules,
  pruneAudit,
  pruneLeft,
  pruneNotifications,
  publishTemplate,
  publishedTemplate,
  putApiKey,
  putOnlyApiKey,
  putTemplatePart,
  raiseSequence,
  readSequence,
  recordOf,
  registerDevice,
  removeCategory,
  removeDevice,
  removeEndedLogins,
  removeProvider,
  renewJobs,
  renewLeases,
  replay,
  replayCandidates,
  replayMessages,
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
  settle,
  startDraft,
  suppressionsOf,
  templateById,
  updateAccount,
  updateDraft,
  updateProject,
  updateProvider,
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
