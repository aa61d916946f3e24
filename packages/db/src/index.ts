export type { Database } from './database.ts';
export { holdLock, type Lock, LockHeldError } from './lock.ts';
export { openDatabase } from './open.ts';
export { DatabaseUnreachableError, openPostgres } from './postgres.ts';
export type { StoredSource } from './schema/tables.ts';
export { openSqlite } from './sqlite.ts';
export type { AcceptItem, AcceptResult } from './store/accept.ts';
export type { AccountChanges, AccountRow, NewAccount } from './store/accounts.ts';
export type { ApiKeyRow } from './store/api-keys.ts';
export type { Actor, AuditFilters, AuditRow, Change } from './store/audit.ts';
export type { CategoryRow } from './store/categories.ts';
export {
  type Claimed,
  type ClaimResult,
  type MessageRow,
  maxUnanswered,
  type Refused,
} from './store/claim.ts';
export type { DeadLetterRow, DeadLetterSearch } from './store/dead-letters.ts';
export type { DeviceRow } from './store/devices.ts';
export type { Erasure } from './store/erase.ts';
export type { NamedSubscription } from './store/events/all-subscriptions.ts';
export type { CopyInHand } from './store/events/copies-in-hand.ts';
export type { CopyOfSubscription, CopySearch } from './store/events/copies-read.ts';
export type {
  ClaimedCopy,
  CopyAttemptRow,
  CopyEntry,
  CopyQueueState,
  CopyRow,
  CopySettled,
  CopySettlement,
  CopyVerdict,
  EventRow,
  RefusedCopy,
  SubscriptionRow,
} from './store/events/copy-types.ts';
export type { EventTypeRow } from './store/events/event-types.ts';
export type { EventFilters, EventHead } from './store/events/events-read.ts';
export type { Matches } from './store/events/fan-out.ts';
export type { FirstEvent, NewEvent, PublishResult } from './store/events/publish.ts';
export type { RecoverableEvent } from './store/events/recover.ts';
export type { NewSubscription, SubscriptionChanges } from './store/events/subscriptions.ts';
export type { Feedback, FeedbackResult, FeedbackRow } from './store/feedback.ts';
export type { FirstTemplates } from './store/first-templates.ts';
export type { InvitationRow } from './store/invitations.ts';
export type { LaneState, ProjectState } from './store/lane-states.ts';
export type { Page } from './store/pages.ts';
export type { RecipientPreferences, WordChange } from './store/preferences.ts';
export type { ProjectRules } from './store/project-rules.ts';
export type { ProjectRow, ProjectSettings } from './store/projects.ts';
export type { ProviderFields, ProviderRow, RouteRow } from './store/providers.ts';
export type { Decide, Decision, Question } from './store/put-aside.ts';
export type {
  AttemptRow,
  MessageWithHistory,
  NotificationRow,
  NotificationWithMessages,
  ReplayRow,
} from './store/read.ts';
export type { NotificationRecord, PreferenceRow } from './store/recipient-data.ts';
export type { RecipientChange, RecipientRow, RecipientWithDevices } from './store/recipients.ts';
export type { PruneRule } from './store/removals.ts';
export type { ReplayCandidate, Replayed, SkippedReplay } from './store/replay.ts';
export type { LiveSession, Rotation, SessionRow } from './store/sessions.ts';
export type { Settled, Settlement, Verdict } from './store/settle.ts';
export type { Refusal } from './store/standing.ts';
export type { SuppressionFilters } from './store/suppression-list.ts';
export { addressHash, type Suppressed, type Suppressing, type SuppressionRow } from './store/suppressions.ts';
export type { TemplatePartRow } from './store/template-parts.ts';
export type { TemplateWithVersions, VersionRow } from './store/template-read.ts';
export type { PublishedFields, RenderedVersion, TemplateRow, VersionFields } from './store/templates.ts';
export type { UnsubscribePage, Unsubscribing } from './store/unsubscribe.ts';
export type { QueueEntry, Room, WindowCursor } from './store/window.ts';
export type { Wishes } from './store/wishes.ts';
export { createStore, type Store } from './store.ts';
