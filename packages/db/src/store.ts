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
import { registerDevice, removeDevice } from './store/devices.ts';
import { endUnsendable, findExpired } from './store/end.ts';
import { beginErasure, continueErasure, dueErasures } from './store/erase.ts';
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
import { getMessage, getNotification, listNotifications } from './store/read.ts';
import { preferencesOf, recordOf } from './store/recipient-data.ts';
import { fillSearchKeys, findRecipient, listRecipients, upsertRecipients } from './store/recipients.ts';
import { hasten, replay } from './store/replay.ts';
import { pruneAudit, pruneNotifications, retentions } from './store/retention.ts';
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
import { addTemplate, latestTemplate, templateById } from './store/templates.ts';
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
  addTemplate,
  archiveProject,
  beginErasure,
  cancel,
  changePassword,
  claim,
  createAccount,
  createInvitation,
  createApiKey,
  createProject,
  continueErasure,
  dueErasures,
  endLeasesOf,
  endUnsendable,
  ensureProject,
  enterWindow,
  findAccount,
  findAccountByEmail,
  findAnswer,
  fillSearchKeys,
  findApiKey,
  findExpired,
  findPreferences,
  findInvitation,
  findLiveSession,
  findOpenInvitation,
  findProject,
  findRecipient,
  getApiKey,
  getMessage,
  getNotification,
  hasAccounts,
  hasBacklogOver,
  hasten,
  isLiveRecipient,
  laneStates,
  latestTemplate,
  leaveWindow,
  listAccounts,
  listApiKeys,
  listAudit,
  listCategories,
  listInvitations,
  listNotifications,
  listPreferenceDefaults,
  listSessions,
  noteEvent,
  openSession,
  listProjects,
  markKeysUsed,
  listRecipients,
  overdue,
  parkMessage,
  projectRules,
  preferencesOf,
  pruneAudit,
  pruneNotifications,
  putApiKey,
  putOnlyApiKey,
  raiseSequence,
  readSequence,
  recordOf,
  registerDevice,
  removeCategory,
  removeEndedLogins,
  removeDevice,
  renewJobs,
  renewLeases,
  replay,
  setPreferenceDefaults,
  setPreferences,
  revokeInvitation,
  revokeSession,
  rotateSession,
  revokeApiKey,
  rotateApiKey,
  retentions,
  settle,
  templateById,
  upsertCategory,
  updateAccount,
  updateProject,
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
