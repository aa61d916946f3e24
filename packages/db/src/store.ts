import type { Database } from './database.ts';
import { accept, findAnswer } from './store/accept.ts';
import { listAudit } from './store/audit.ts';
import { cancel } from './store/cancel.ts';
import { claim } from './store/claim.ts';
import { registerDevice, removeDevice } from './store/devices.ts';
import { endUnsendable, findExpired } from './store/end.ts';
import { beginErasure, continueErasure, dueErasures } from './store/erase.ts';
import { endLeasesOf, renewLeases } from './store/leases.ts';
import { ensureProject, findApiKey, putApiKey, putOnlyApiKey } from './store/projects.ts';
import { getMessage, getNotification, listNotifications } from './store/read.ts';
import { preferencesOf, recordOf } from './store/recipient-data.ts';
import { fillSearchKeys, findRecipient, listRecipients, upsertRecipients } from './store/recipients.ts';
import { hasten, replay } from './store/replay.ts';
import { pruneAudit, pruneNotifications, retentions } from './store/retention.ts';
import { raiseSequence, readSequence } from './store/sequences.ts';
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
  addTemplate,
  beginErasure,
  cancel,
  claim,
  continueErasure,
  dueErasures,
  endLeasesOf,
  endUnsendable,
  ensureProject,
  enterWindow,
  findAnswer,
  fillSearchKeys,
  findApiKey,
  findExpired,
  findRecipient,
  getMessage,
  getNotification,
  hasBacklogOver,
  hasten,
  laneStates,
  latestTemplate,
  leaveWindow,
  listAudit,
  listNotifications,
  listRecipients,
  overdue,
  parkMessage,
  preferencesOf,
  pruneAudit,
  pruneNotifications,
  putApiKey,
  putOnlyApiKey,
  raiseSequence,
  readSequence,
  recordOf,
  registerDevice,
  removeDevice,
  renewJobs,
  renewLeases,
  replay,
  retentions,
  settle,
  templateById,
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
