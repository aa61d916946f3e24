export type { Database } from './database.ts';
export { holdLock, type Lock, LockHeldError } from './lock.ts';
export { openDatabase } from './open.ts';
export { DatabaseUnreachableError, openPostgres } from './postgres.ts';
export type { StoredSource } from './schema/tables.ts';
export { openSqlite } from './sqlite.ts';
export type { AcceptItem, AcceptResult } from './store/accept.ts';
export type { Actor, AuditRow, Change } from './store/audit.ts';
export {
  type Claimed,
  type ClaimResult,
  type MessageRow,
  maxUnanswered,
  type NotificationRow,
  type Refused,
} from './store/claim.ts';
export type { ApiKeyRow } from './store/projects.ts';
export type { AttemptRow, NotificationWithMessages, ReplayRow } from './store/read.ts';
export type { DeviceRow, RecipientRow, RecipientWithDevices } from './store/recipients.ts';
export type { Settled, Settlement, Verdict } from './store/settle.ts';
export type { TemplatePartRow } from './store/template-parts.ts';
export type { TemplateWithVersions, VersionRow } from './store/template-read.ts';
export type { PublishedFields, RenderedVersion, TemplateRow, VersionFields } from './store/templates.ts';
export type { LaneState, QueueEntry, WindowCursor } from './store/window.ts';
export { createStore, type Store } from './store.ts';
