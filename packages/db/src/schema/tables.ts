import type {
  ActorKind,
  AttemptOutcome,
  Channel,
  ChannelContent,
  CompiledContent,
  CopyOutcome,
  CopyReason,
  CopyStatus,
  DisabledReason,
  EmailParts,
  EventOrigin,
  FeedbackType,
  JsonObject,
  Lane,
  MessageStatus,
  OnAmbiguous,
  PartSource,
  Platform,
  ProviderKind,
  QuietHours,
  Reason,
  Retention,
  Role,
  Scope,
  SendOutput,
  SubscriptionKind,
  SubscriptionSettings,
  SubscriptionStatus,
  SuppressionReason,
  TemplateSource,
  VariableKind,
  WebPushKeys,
} from '@tidings/contracts';
import { sql } from 'drizzle-orm';
import type * as sqliteColumns from './columns.sqlite.ts';

/**
 * Where an open message waits: `store` (in SQL only) or `queue` (it has a job, it is in the window). Null once
 * it has ended: the indexes that the relay and the reconciler walk hold open messages only.
 */
export type Place = 'store' | 'queue';

/**
 * An erasure's way: the recipient's own notifications, the events about it, notifications sent to its addresses
 * without naming it, and, a while later, its own once more, for what was under way in the meantime.
 */
export type ErasureStep = 'own' | 'events' | 'direct' | 'late';

/**
 * Addresses that are being forgotten: e-mail in lower case, tokens as they are. `externalId` is what the application
 * called the recipient.
 */
export interface ErasedAddresses {
  emails: string[];
  tokens: string[];
  externalId?: string;
}

/** What somebody wrote of a version, and what it took in when it was published. */
export interface StoredSource {
  content: TemplateSource;
  /** SHA-256 of each part, by `layout/<key>` and `partial/<key>`. */
  parts?: Record<string, string>;
}

/** Of messages that ended as they were meant to, and so are no dead letters. */
export const harmlessReasons = [
  'no_address',
  'no_device',
  'opted_out',
  'no_provider',
  'hard_bounce',
  'complaint',
  'unsubscribed',
  'manual',
  'erased',
  'canceled_by_request',
] as const satisfies readonly Reason[];

/** As SQL: SQLite uses an index with a condition only for queries that say the same without parameters. */
export function listOf(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(', ');
}

/** The schema, written once for both dialects. */
export function defineTables(c: typeof sqliteColumns) {
  const projects = c.table(
    'projects',
    {
      id: c.text('id').primaryKey(),
      key: c.text('key').notNull(),
      name: c.text('name'),
      /** What a message is written in when neither the send nor the recipient has a locale that there is content for. */
      defaultLocale: c.text('default_locale').notNull().default('en'),
      /** Whose quiet hours are meant when a recipient has no timezone. */
      timezone: c.text('timezone').notNull().default('UTC'),
      retention: c.json('retention').$type<Partial<Retention>>().notNull().default({}),
      /** Random, made when it is first needed: what the hashes of suppressed addresses are keyed with. */
      suppressionKey: c.text('suppression_key'),
      createdAt: c.timestamp('created_at').notNull(),
      /** Since when nobody gets in with its keys any more. */
      archivedAt: c.timestamp('archived_at'),
    },
    (t) => [c.uniqueIndex('projects_key').on(t.key)],
  );

  /** A person who operates Tidings. */
  const accounts = c.table(
    'accounts',
    {
      id: c.text('id').primaryKey(),
      /** In lower case. */
      email: c.text('email').notNull(),
      name: c.text('name'),
      role: c.text('role').$type<Role>().notNull(),
      /** argon2id in the PHC string format. */
      passwordHash: c.text('password_hash').notNull(),
      createdAt: c.timestamp('created_at').notNull(),
      updatedAt: c.timestamp('updated_at').notNull(),
      lastLoginAt: c.timestamp('last_login_at'),
      disabledAt: c.timestamp('disabled_at'),
    },
    (t) => [c.uniqueIndex('accounts_email').on(t.email)],
  );

  /** What lets somebody make an account: a secret link that an admin hands over. */
  const invitations = c.table(
    'invitations',
    {
      id: c.text('id').primaryKey(),
      email: c.text('email').notNull(),
      role: c.text('role').$type<Role>().notNull(),
      /** SHA-256 of its secret, in hexadecimal. */
      secretHash: c.text('secret_hash').notNull(),
      invitedBy: c
        .text('invited_by')
        .notNull()
        .references(() => accounts.id),
      createdAt: c.timestamp('created_at').notNull(),
      expiresAt: c.timestamp('expires_at').notNull(),
      acceptedAt: c.timestamp('accepted_at'),
      revokedAt: c.timestamp('revoked_at'),
    },
    (t) => [
      // Those that expired are revoked when another is made.
      c
        .uniqueIndex('invitations_pending')
        .on(t.email)
        .where(sql`${t.acceptedAt} is null and ${t.revokedAt} is null`),
    ],
  );

  /** One login, as long as its refresh cookie is good. */
  const sessions = c.table(
    'sessions',
    {
      id: c.text('id').primaryKey(),
      accountId: c
        .text('account_id')
        .notNull()
        .references(() => accounts.id),
      /** SHA-256, in hexadecimal, of what all refresh cookies of the session have in common. */
      familyHash: c.text('family_hash').notNull().default(''),
      /** Of the secret of the newest one. */
      refreshHash: c.text('refresh_hash').notNull(),
      /** Of the one before it, which is good for a moment more. Any other of the family is a copy. */
      previousHash: c.text('previous_hash'),
      refreshedAt: c.timestamp('refreshed_at').notNull(),
      createdAt: c.timestamp('created_at').notNull(),
      expiresAt: c.timestamp('expires_at').notNull(),
      revokedAt: c.timestamp('revoked_at'),
      address: c.text('address').notNull(),
      userAgent: c.text('user_agent'),
    },
    (t) => [c.index('sessions_account').on(t.accountId), c.index('sessions_expiring').on(t.expiresAt)],
  );

  /** Who did what, from where, to what. */
  const audit = c.table(
    'audit',
    {
      id: c.text('id').primaryKey(),
      /** Null for what belongs to the instance. */
      projectId: c.text('project_id'),
      actorKind: c.text('actor_kind').$type<ActorKind>().notNull(),
      actorId: c.text('actor_id').notNull(),
      address: c.text('address').notNull(),
      requestId: c.text('request_id').notNull(),
      action: c.text('action').notNull(),
      target: c.text('target').notNull(),
      /** Names of what was changed, never what it holds. */
      fields: c.json('fields').$type<string[]>().notNull(),
      at: c.timestamp('at').notNull(),
    },
    (t) => [c.index('audit_project').on(t.projectId, t.id), c.index('audit_at').on(t.at)],
  );

  const apiKeys = c.table('api_keys', {
    id: c.text('id').primaryKey(),
    projectId: c
      .text('project_id')
      .notNull()
      .references(() => projects.id),
    name: c.text('name').notNull(),
    /** SHA-256 of the secret in hexadecimal; the secret itself is random and shown once. */
    secretHash: c.text('secret_hash').notNull(),
    scopes: c.json('scopes').$type<Scope[]>().notNull(),
    createdAt: c.timestamp('created_at').notNull(),
    /** Who made it: an account, or another key. */
    createdBy: c.text('created_by'),
    /** To the minute or so. */
    lastUsedAt: c.timestamp('last_used_at'),
    expiresAt: c.timestamp('expires_at'),
    revokedAt: c.timestamp('revoked_at'),
    /** The key that takes its place. */
    rotatedTo: c.text('rotated_to'),
  });

  const recipients = c.table(
    'recipients',
    {
      id: c.text('id').primaryKey(),
      projectId: c
        .text('project_id')
        .notNull()
        .references(() => projects.id),
      externalId: c.text('external_id').notNull(),
      name: c.text('name'),
      email: c.text('email'),
      locale: c.text('locale'),
      timezone: c.text('timezone'),
      /** What templates may say about the recipient: `{{ recipient.attributes.plan }}`. */
      attributes: c.json('attributes').$type<JsonObject>().notNull().default({}),
      quietHours: c.json('quiet_hours').$type<QuietHours>(),
      /** Name, e-mail and external id in lower case: what a search looks at. */
      searchName: c.key('search_name'),
      searchEmail: c.key('search_email'),
      searchId: c.key('search_id').notNull().default(''),
      createdAt: c.timestamp('created_at').notNull(),
      updatedAt: c.timestamp('updated_at').notNull(),
      /** A tombstone since then: it holds its id and hashes, and nothing about the person. */
      erasedAt: c.timestamp('erased_at'),
    },
    (t) => [
      c.uniqueIndex('recipients_external_id').on(t.projectId, t.externalId),
      c.index('recipients_project').on(t.projectId, t.id),
      c.index('recipients_search_name').on(t.projectId, t.searchName),
      c.index('recipients_search_email').on(t.projectId, t.searchEmail),
      c.index('recipients_search_id').on(t.projectId, t.searchId),
    ],
  );

  /** What is still to be done to erase a recipient. The row goes when nothing is left. */
  const erasures = c.table(
    'erasures',
    {
      recipientId: c
        .text('recipient_id')
        .primaryKey()
        .references(() => recipients.id),
      projectId: c.text('project_id').notNull(),
      step: c.text('step').$type<ErasureStep>().notNull(),
      /** Where the step got to. */
      cursor: c.text('cursor'),
      /** Whose notifications are to be found without the recipient's id. Empty once they were. */
      addresses: c.json('addresses').$type<ErasedAddresses>().notNull(),
      /** When it is to go on, should whoever is at it have died. */
      dueAt: c.timestamp('due_at').notNull(),
    },
    (t) => [c.index('erasures_due').on(t.dueAt)],
  );

  /** What a recipient can opt out of. */
  const categories = c.table(
    'categories',
    {
      projectId: c
        .text('project_id')
        .notNull()
        .references(() => projects.id),
      key: c.text('key').notNull(),
      name: c.text('name').notNull(),
      description: c.text('description'),
      /** Cannot be opted out of. */
      required: c.bool('required').notNull(),
      createdAt: c.timestamp('created_at').notNull(),
      updatedAt: c.timestamp('updated_at').notNull(),
    },
    (t) => [c.primaryKey({ columns: [t.projectId, t.key] })],
  );

  /** What a recipient wants on a channel: of one category, or, with the category empty, of all of them. */
  const preferences = c.table(
    'preferences',
    {
      projectId: c.text('project_id').notNull(),
      recipientId: c
        .text('recipient_id')
        .notNull()
        .references(() => recipients.id),
      channel: c.text('channel').$type<Channel>().notNull(),
      category: c.text('category').notNull(),
      enabled: c.bool('enabled').notNull(),
      updatedAt: c.timestamp('updated_at').notNull(),
    },
    (t) => [c.primaryKey({ columns: [t.recipientId, t.channel, t.category] })],
  );

  /** The same for whoever of the project has said nothing else. */
  const preferenceDefaults = c.table(
    'preference_defaults',
    {
      projectId: c
        .text('project_id')
        .notNull()
        .references(() => projects.id),
      channel: c.text('channel').$type<Channel>().notNull(),
      category: c.text('category').notNull(),
      enabled: c.bool('enabled').notNull(),
      updatedAt: c.timestamp('updated_at').notNull(),
    },
    (t) => [c.primaryKey({ columns: [t.projectId, t.channel, t.category] })],
  );

  /** An address that is not sent to, as a keyed hash where the address itself must not be kept. */
  const suppressions = c.table(
    'suppressions',
    {
      id: c.text('id').primaryKey(),
      projectId: c
        .text('project_id')
        .notNull()
        .references(() => projects.id),
      channel: c.text('channel').$type<Channel>().notNull(),
      addressHash: c.text('address_hash').notNull(),
      /** What it holds for; empty where it holds for everything. */
      category: c.text('category').notNull().default(''),
      /** Null once it was erased. */
      address: c.text('address'),
      reason: c.text('reason').$type<SuppressionReason>().notNull(),
      /** What somebody wrote beside it. */
      note: c.text('note'),
      /** The message that it came of, if it did. */
      messageId: c.text('message_id'),
      createdAt: c.timestamp('created_at').notNull(),
    },
    (t) => [
      // The hash first: it is of one project and one channel, and claims look it up alone.
      c.uniqueIndex('suppressions_address').on(t.addressHash, t.projectId, t.channel, t.category),
      c.index('suppressions_project').on(t.projectId, t.id),
    ],
  );

  const devices = c.table(
    'devices',
    {
      id: c.text('id').primaryKey(),
      projectId: c
        .text('project_id')
        .notNull()
        .references(() => projects.id),
      recipientId: c
        .text('recipient_id')
        .notNull()
        .references(() => recipients.id),
      platform: c.text('platform').$type<Platform>().notNull(),
      /** Of a Web Push subscription it is the endpoint. */
      token: c.text('token').notNull(),
      /** What a Web Push subscription is encrypted with (RFC 8291). */
      keys: c.json('keys').$type<WebPushKeys>(),
      createdAt: c.timestamp('created_at').notNull(),
      /** When a provider said that it knows the token no more. Null while pushes are sent to it. */
      deactivatedAt: c.timestamp('deactivated_at'),
    },
    (t) => [
      c.uniqueIndex('devices_token').on(t.projectId, t.platform, t.token),
      c.index('devices_recipient').on(t.recipientId),
    ],
  );

  /** One row is one version. A draft may change, a published one never does. */
  const templates = c.table(
    'templates',
    {
      id: c.text('id').primaryKey(),
      projectId: c
        .text('project_id')
        .notNull()
        .references(() => projects.id),
      key: c.text('key').notNull(),
      version: c.int('version').notNull(),
      category: c.text('category'),
      onAmbiguous: c.text('on_ambiguous').$type<OnAmbiguous>().notNull(),
      variables: c.json('variables').$type<Record<string, VariableKind>>().notNull(),
      /** What is rendered, by locale: layouts and partials in place, MJML compiled. Empty in a draft. */
      content: c.json('content').$type<Record<string, CompiledContent>>().notNull(),
      /** JSON Schema of the data. Takes the place of `variables`. */
      schema: c.json('schema').$type<JsonObject>(),
      /** What was written, by locale. Null in versions from before there were drafts. */
      source: c.json('source').$type<StoredSource>(),
      createdAt: c.timestamp('created_at').notNull(),
      updatedAt: c.timestamp('updated_at'),
      publishedAt: c.timestamp('published_at'),
    },
    (t) => [c.uniqueIndex('templates_version').on(t.projectId, t.key, t.version)],
  );

  /** Which version of a template is in use. */
  const publishedTemplates = c.table(
    'published_templates',
    {
      projectId: c
        .text('project_id')
        .notNull()
        .references(() => projects.id),
      key: c.text('key').notNull(),
      templateId: c
        .text('template_id')
        .notNull()
        .references(() => templates.id),
      updatedAt: c.timestamp('updated_at').notNull(),
      /** Since when nothing new is sent with it. */
      archivedAt: c.timestamp('archived_at'),
    },
    (t) => [c.primaryKey({ columns: [t.projectId, t.key] })],
  );

  /** What templates share: a layout around them, a partial within. A version takes it in when it is published. */
  const templateParts = c.table(
    'template_parts',
    {
      projectId: c
        .text('project_id')
        .notNull()
        .references(() => projects.id),
      kind: c.text('kind').$type<'layout' | 'partial'>().notNull(),
      key: c.text('key').notNull(),
      source: c.json('source').$type<PartSource>().notNull(),
      createdAt: c.timestamp('created_at').notNull(),
      updatedAt: c.timestamp('updated_at').notNull(),
    },
    (t) => [c.primaryKey({ columns: [t.projectId, t.kind, t.key] })],
  );

  /** Whom a project hands its messages to, in place of those of the instance. */
  const providers = c.table(
    'providers',
    {
      id: c.text('id').primaryKey(),
      projectId: c
        .text('project_id')
        .notNull()
        .references(() => projects.id),
      name: c.text('name').notNull(),
      kind: c.text('kind').$type<ProviderKind>().notNull(),
      /** What may be shown of the settings. */
      shown: c.json('shown').$type<JsonObject>().notNull(),
      /** All of them, sealed under `ENCRYPTION_KEY`. */
      sealed: c.text('sealed').notNull(),
      /** Messages a second and process; null for any number. */
      perSecond: c.int('per_second'),
      enabled: c.bool('enabled').notNull().default(true),
      createdAt: c.timestamp('created_at').notNull(),
      updatedAt: c.timestamp('updated_at').notNull(),
    },
    (t) => [c.uniqueIndex('providers_name').on(t.projectId, t.name)],
  );

  /** The providers of a channel, in the order they are tried. */
  const routes = c.table(
    'routes',
    {
      projectId: c
        .text('project_id')
        .notNull()
        .references(() => projects.id),
      channel: c.text('channel').$type<Channel>().notNull(),
      providerIds: c.json('provider_ids').$type<string[]>().notNull(),
      updatedAt: c.timestamp('updated_at').notNull(),
    },
    (t) => [c.primaryKey({ columns: [t.projectId, t.channel] })],
  );

  /** One accepted request: the payload, once. */
  const notifications = c.table(
    'notifications',
    {
      id: c.text('id').primaryKey(),
      projectId: c
        .text('project_id')
        .notNull()
        .references(() => projects.id),
      idempotencyKey: c.text('idempotency_key'),
      requestHash: c.text('request_hash'),
      recipientId: c.text('recipient_id'),
      toName: c.text('to_name'),
      templateId: c.text('template_id'),
      templateKey: c.text('template_key'),
      templateVersion: c.int('template_version'),
      content: c.json('content').$type<ChannelContent>(),
      /** What its e-mail has beside the content. Large, so that only a claim and an export read it. */
      emailParts: c.json('email_parts').$type<EmailParts>(),
      data: c.json('data').$type<JsonObject>().notNull(),
      metadata: c.json('metadata').$type<JsonObject>().notNull(),
      locale: c.text('locale'),
      lane: c.text('lane').$type<Lane>().notNull(),
      category: c.text('category'),
      sendAt: c.timestamp('send_at'),
      expiresAt: c.timestamp('expires_at').notNull(),
      /** The first answer, given again to a repeated request. */
      answer: c.json('answer').$type<SendOutput>().notNull(),
      createdAt: c.timestamp('created_at').notNull(),
      /** Since when name, content, e-mail parts, data and metadata, and the addresses of its messages, are gone. */
      payloadRemovedAt: c.timestamp('payload_removed_at'),
    },
    (t) => [
      c
        .uniqueIndex('notifications_idempotency_key')
        .on(t.projectId, t.idempotencyKey)
        .where(sql`${t.idempotencyKey} is not null`),
      c.index('notifications_project').on(t.projectId, t.id),
      c
        .index('notifications_recipient')
        .on(t.projectId, t.recipientId, t.id)
        .where(sql`${t.recipientId} is not null`),
    ],
  );

  /** One recipient on one channel: the unit of delivery. */
  const messages = c.table(
    'messages',
    {
      id: c.text('id').primaryKey(),
      notificationId: c
        .text('notification_id')
        .notNull()
        .references(() => notifications.id),
      projectId: c.text('project_id').notNull(),
      channel: c.text('channel').$type<Channel>().notNull(),
      lane: c.text('lane').$type<Lane>().notNull(),
      status: c.text('status').$type<MessageStatus>().notNull(),
      reason: c.text('reason').$type<Reason>(),
      address: c.text('address'),
      platform: c.text('platform').$type<Platform>(),
      /** The version that a replay had it rendered with anew; null for that of its notification. */
      templateId: c.text('template_id'),
      onAmbiguous: c.text('on_ambiguous').$type<OnAmbiguous>().notNull(),
      place: c.text('place').$type<Place>(),
      /** Counts the times a new job was needed: part of the job's id. */
      generation: c.int('generation').notNull().default(0),
      dueAt: c.timestamp('due_at').notNull(),
      expiresAt: c.timestamp('expires_at').notNull(),
      /** Claims so far. */
      attempt: c.int('attempt').notNull().default(0),
      /** Failed tries that count against the budget. */
      failures: c.int('failures').notNull().default(0),
      /** Claims since the last one that had an outcome. */
      unanswered: c.int('unanswered').notNull().default(0),
      leaseToken: c.text('lease_token'),
      leaseOwner: c.text('lease_owner'),
      leaseUntil: c.timestamp('lease_until'),
      cancelRequestedAt: c.timestamp('cancel_requested_at'),
      /** The Date of every copy of an e-mail. */
      firstClaimedAt: c.timestamp('first_claimed_at'),
      /** When it was last put off to the end of its recipient's quiet hours. */
      deferredAt: c.timestamp('deferred_at'),
      createdAt: c.timestamp('created_at').notNull(),
      endedAt: c.timestamp('ended_at'),
    },
    (t) => [
      c.index('messages_notification').on(t.notificationId),
      c
        .index('messages_waiting')
        .on(t.place, t.channel, t.lane, t.projectId, t.dueAt, t.id)
        .where(sql`${t.place} is not null`),
      c.index('messages_expiring').on(t.expiresAt).where(sql`${t.place} is not null`),
      // By what it ended for and not by its status, which every claim changes: Postgres updates in place (HOT) only
      // where no column of an index or of its condition changes.
      c
        .index('messages_dead')
        .on(t.projectId, t.id)
        .where(sql`${t.place} is null and ${t.reason} not in (${sql.raw(listOf(harmlessReasons))})`),
    ],
  );

  /** One try at a provider, written before it begins. */
  const attempts = c.table(
    'attempts',
    {
      messageId: c
        .text('message_id')
        .notNull()
        .references(() => messages.id),
      number: c.int('number').notNull(),
      generation: c.int('generation').notNull(),
      worker: c.text('worker').notNull(),
      startedAt: c.timestamp('started_at').notNull(),
      finishedAt: c.timestamp('finished_at'),
      outcome: c.text('outcome').$type<AttemptOutcome>().notNull(),
      reason: c.text('reason').$type<Reason>(),
      provider: c.text('provider'),
      /** The provider's own id of what it took. */
      providerMessageId: c.text('provider_message_id'),
      code: c.text('code'),
      response: c.text('response'),
    },
    (t) => [
      c.primaryKey({ columns: [t.messageId, t.number] }),
      c
        .index('attempts_provider_message')
        .on(t.providerMessageId)
        .where(sql`${t.providerMessageId} is not null`),
    ],
  );

  /** What was heard of a message after it was handed over: from its provider, or from the application. */
  const feedback = c.table(
    'feedback',
    {
      messageId: c
        .text('message_id')
        .notNull()
        .references(() => messages.id),
      type: c.text('type').$type<FeedbackType>().notNull(),
      /** Its sender's own id, so that what is told twice is on record once. */
      eventId: c.text('event_id').notNull(),
      /** Who told: a provider's name, or `api`. */
      source: c.text('source').notNull(),
      code: c.text('code'),
      response: c.text('response'),
      /** When it happened, as its sender says. */
      at: c.timestamp('at').notNull(),
      receivedAt: c.timestamp('received_at').notNull(),
    },
    (t) => [c.primaryKey({ columns: [t.messageId, t.type, t.eventId] })],
  );

  /** One replay, and the end it took back: what a message's row no longer says. */
  const replays = c.table(
    'replays',
    {
      messageId: c
        .text('message_id')
        .notNull()
        .references(() => messages.id),
      /** The generation that it began. */
      generation: c.int('generation').notNull(),
      /** The version that the message is rendered with from then on; null for that of its notification. */
      templateId: c.text('template_id'),
      at: c.timestamp('at').notNull(),
      status: c.text('status').$type<MessageStatus>().notNull(),
      reason: c.text('reason').$type<Reason>(),
      endedAt: c.timestamp('ended_at'),
    },
    (t) => [c.primaryKey({ columns: [t.messageId, t.generation] })],
  );

  /** What may be published, and what its data must be like. A type that has no row may be published with any data. */
  const eventTypes = c.table(
    'event_types',
    {
      projectId: c
        .text('project_id')
        .notNull()
        .references(() => projects.id),
      type: c.key('type').notNull(),
      description: c.text('description'),
      /** JSON Schema of the data; null where any is good. */
      schema: c.json('schema').$type<JsonObject>(),
      createdAt: c.timestamp('created_at').notNull(),
      updatedAt: c.timestamp('updated_at').notNull(),
    },
    (t) => [c.primaryKey({ columns: [t.projectId, t.type] })],
  );

  /** Something that happened: in the application, which published it, or in Tidings itself. */
  const events = c.table(
    'events',
    {
      id: c.text('id').primaryKey(),
      projectId: c
        .text('project_id')
        .notNull()
        .references(() => projects.id),
      /** The publisher's own id of it, which is once in a project and source. */
      externalId: c.text('external_id'),
      /** Of a CloudEvent; empty otherwise. */
      source: c.text('source').notNull().default(''),
      /** Of the request, where it had an id: an equal one is a repeat. */
      requestHash: c.text('request_hash'),
      origin: c.text('origin').$type<EventOrigin>().notNull(),
      type: c.text('type').notNull(),
      subject: c.text('subject'),
      occurredAt: c.timestamp('occurred_at').notNull(),
      data: c.json('data').$type<JsonObject>().notNull(),
      createdAt: c.timestamp('created_at').notNull(),
      /** When every subscription that it is for got its copy. */
      fannedOutAt: c.timestamp('fanned_out_at'),
      /** Since when subject and data are gone. */
      payloadRemovedAt: c.timestamp('payload_removed_at'),
    },
    (t) => [
      c
        .uniqueIndex('events_external_id')
        .on(t.projectId, t.source, t.externalId)
        .where(sql`${t.externalId} is not null`),
      c.index('events_project').on(t.projectId, t.id),
      c.index('events_open').on(t.projectId, t.createdAt, t.id).where(sql`${t.fannedOutAt} is null`),
      c.index('events_subject').on(t.projectId, t.subject, t.id).where(sql`${t.subject} is not null`),
    ],
  );

  /** A rule that gives one consumer its own copy of the events that match. */
  const subscriptions = c.table(
    'subscriptions',
    {
      id: c.text('id').primaryKey(),
      projectId: c
        .text('project_id')
        .notNull()
        .references(() => projects.id),
      name: c.text('name').notNull(),
      kind: c.text('kind').$type<SubscriptionKind>().notNull(),
      /** Types and patterns of types, such as `order.*`. */
      types: c.json('types').$type<string[]>().notNull(),
      /** An expression of CEL over the event; null where every event of the types matches. */
      filter: c.text('filter'),
      /** Whether a pattern of its types names happenings of Tidings itself: what ends a message asks for it. */
      ofHappenings: c.bool('of_happenings').notNull(),
      /** One copy after the other, in the order of the events. */
      ordered: c.bool('ordered').notNull().default(false),
      /** What its kind needs, without secrets. */
      settings: c.json('settings').$type<SubscriptionSettings>().notNull(),
      /** Secrets of a webhook, sealed under `ENCRYPTION_KEY`. */
      sealed: c.text('sealed'),
      status: c.text('status').$type<SubscriptionStatus>().notNull(),
      /** Why it was disabled. */
      reason: c.text('reason').$type<DisabledReason>(),
      /** Since when nothing but failures came of it; null after a delivery. */
      failingSince: c.timestamp('failing_since'),
      /** Until when its endpoint asked to be left alone. */
      heldUntil: c.timestamp('held_until'),
      /** How often in a row it asked. */
      holds: c.int('holds').notNull().default(0),
      createdAt: c.timestamp('created_at').notNull(),
      updatedAt: c.timestamp('updated_at').notNull(),
      /** Since when it gets no copies and its name is free. Kept as long as copies speak of it. */
      removedAt: c.timestamp('removed_at'),
    },
    (t) => [
      c.uniqueIndex('subscriptions_name').on(t.projectId, t.name).where(sql`${t.removedAt} is null`),
      c
        .index('subscriptions_of_happenings')
        .on(t.projectId)
        .where(sql`${t.ofHappenings} and ${t.removedAt} is null`),
    ],
  );

  /** One event for one subscription: the unit of fan-out. Moves as a message does. */
  const copies = c.table(
    'copies',
    {
      id: c.text('id').primaryKey(),
      eventId: c
        .text('event_id')
        .notNull()
        .references(() => events.id),
      subscriptionId: c
        .text('subscription_id')
        .notNull()
        .references(() => subscriptions.id),
      projectId: c.text('project_id').notNull(),
      status: c.text('status').$type<CopyStatus>().notNull(),
      reason: c.text('reason').$type<CopyReason>(),
      place: c.text('place').$type<Place>(),
      /** Its turn, where the subscription is ordered; null elsewhere. */
      position: c.timestamp('position'),
      generation: c.int('generation').notNull().default(0),
      dueAt: c.timestamp('due_at').notNull(),
      attempt: c.int('attempt').notNull().default(0),
      failures: c.int('failures').notNull().default(0),
      unanswered: c.int('unanswered').notNull().default(0),
      leaseToken: c.text('lease_token'),
      leaseOwner: c.text('lease_owner'),
      leaseUntil: c.timestamp('lease_until'),
      /** When the latest attempt began. */
      claimedAt: c.timestamp('claimed_at'),
      /** The notification that it caused. */
      notificationId: c.text('notification_id'),
      createdAt: c.timestamp('created_at').notNull(),
      endedAt: c.timestamp('ended_at'),
    },
    (t) => [
      c.uniqueIndex('copies_event').on(t.eventId, t.subscriptionId),
      c.index('copies_project').on(t.projectId, t.id),
      c
        .index('copies_waiting')
        .on(t.place, t.subscriptionId, t.dueAt, t.id)
        .where(sql`${t.place} is not null`),
      c
        .index('copies_in_order')
        .on(t.subscriptionId, t.position)
        .where(sql`${t.position} is not null and ${t.place} is not null`),
      c.index('copies_subscription').on(t.subscriptionId, t.id),
      // By what they ended for and not by their status, as with messages: a claim is then an update in place (HOT).
      c
        .index('copies_failed')
        .on(t.subscriptionId, t.id)
        .where(sql`${t.place} is null and ${t.reason} is not null`),
      c.index('copies_dead').on(t.projectId, t.id).where(sql`${t.place} is null and ${t.reason} is not null`),
      c.index('copies_notification').on(t.notificationId).where(sql`${t.notificationId} is not null`),
    ],
  );

  /** One try to hand over a copy, written when it ends. */
  const copyAttempts = c.table(
    'copy_attempts',
    {
      copyId: c
        .text('copy_id')
        .notNull()
        .references(() => copies.id),
      number: c.int('number').notNull(),
      generation: c.int('generation').notNull(),
      worker: c.text('worker').notNull(),
      startedAt: c.timestamp('started_at').notNull(),
      finishedAt: c.timestamp('finished_at').notNull(),
      outcome: c.text('outcome').$type<CopyOutcome>().notNull(),
      reason: c.text('reason').$type<CopyReason>(),
      code: c.text('code'),
      response: c.text('response'),
    },
    (t) => [c.primaryKey({ columns: [t.copyId, t.number] })],
  );

  /** Counters that outlive a process, such as the one that notices a queue that lost its memory. */
  const sequences = c.table('sequences', {
    name: c.text('name').primaryKey(),
    /** 64 bits wide: `fan-out` is raised up to a hundred times a second. */
    value: c.timestamp('value').notNull(),
  });

  return {
    projects,
    accounts,
    invitations,
    sessions,
    audit,
    apiKeys,
    recipients,
    erasures,
    categories,
    preferences,
    preferenceDefaults,
    suppressions,
    devices,
    templates,
    publishedTemplates,
    templateParts,
    providers,
    routes,
    notifications,
    messages,
    attempts,
    feedback,
    replays,
    eventTypes,
    events,
    subscriptions,
    copies,
    copyAttempts,
    sequences,
  };
}

export type Tables = ReturnType<typeof defineTables>;
