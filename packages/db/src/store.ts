import type { Database } from './database.ts';
import { accept, findAnswer } from './store/accept.ts';
import { listAudit } from './store/audit.ts';
import { cancel } from './store/cancel.ts';
import { claim } from './store/claim.ts';
import { endUnsendable, findExpired } from './store/end.ts';
import { endLeasesOf, renewLeases } from './store/leases.ts';
import { ensureProject, findApiKey, putApiKey, putOnlyApiKey } from './store/projects.ts';
import { getMessage, getNotification, listNotifications } from './store/read.ts';
import { findRecipient, registerDevice, upsertRecipient } from './store/recipients.ts';
import { hasten, replay } from './store/replay.ts';
import { raiseSequence, readSequence } from './store/sequences.ts';
import { settle } from './store/settle.ts';
import {
  addTemplatePart,
  allTemplateParts,
  deleteTemplatePart,
  getTemplatePart,
  listTemplateParts,
  putTemplatePart,
} from './store/template-parts.ts';
import { getTemplate, listTemplates, listTemplateVersions } from './store/template-read.ts';
import {
  addPublishedTemplate,
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
  addPublishedTemplate,
  addTemplatePart,
  allTemplateParts,
  archiveTemplate,
  cancel,
  claim,
  createTemplate,
  defaultLocaleOf,
  deleteTemplatePart,
  endLeasesOf,
  endUnsendable,
  ensureProject,
  enterWindow,
  findAnswer,
  findApiKey,
  findExpired,
  findRecipient,
  getMessage,
  getNotification,
  getTemplate,
  getTemplatePart,
  hasBacklogOver,
  hasten,
  laneStates,
  leaveWindow,
  listAudit,
  listNotifications,
  listTemplateParts,
  listTemplateVersions,
  listTemplates,
  overdue,
  parkMessage,
  publishTemplate,
  publishedTemplate,
  putApiKey,
  putOnlyApiKey,
  putTemplatePart,
  raiseSequence,
  readSequence,
  registerDevice,
  renewJobs,
  renewLeases,
  replay,
  rollbackTemplate,
  settle,
  startDraft,
  templateById,
  updateDraft,
  upsertRecipient,
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
