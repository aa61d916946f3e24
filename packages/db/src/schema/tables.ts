import type {
  AttemptOutcome,
  Channel,
  ChannelContent,
  JsonObject,
  Lane,
  MessageStatus,
  OnAmbiguous,
  Platform,
  Reason,
  Scope,
  SendOutput,
  VariableKind,
} from '@tidings/contracts';
import { sql } from 'drizzle-orm';
import type * as sqliteColumns from './columns.sqlite.ts';

/**
 * Where an open message waits: `store` (in SQL only) or `queue` (it has a job, it is in the window). Null once
 * it has ended: the indexes that the relay and the reconciler walk hold open messages only.
 */
export type Place = 'store' | 'queue';

/** The schema, written once for both dialects. */
export function defineTables(c: typeof sqliteColumns) {
  const projects = c.table(
    'projects',
    {
      id: c.text('id').primaryKey(),
      key: c.text('key').notNull(),
      createdAt: c.timestamp('created_at').notNull(),
    },
    (t) => [c.uniqueIndex('projects_key').on(t.key)],
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
    expiresAt: c.timestamp('expires_at'),
    revokedAt: c.timestamp('revoked_at'),
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
      createdAt: c.timestamp('created_at').notNull(),
      updatedAt: c.timestamp('updated_at').notNull(),
    },
    (t) => [c.uniqueIndex('recipients_external_id').on(t.projectId, t.externalId)],
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
      token: c.text('token').notNull(),
      createdAt: c.timestamp('created_at').notNull(),
      /** When a provider said that it knows the token no more. Null while pushes are sent to it. */
      deactivatedAt: c.timestamp('deactivated_at'),
    },
    (t) => [
      c.uniqueIndex('devices_token').on(t.projectId, t.platform, t.token),
      c.index('devices_recipient').on(t.recipientId),
    ],
  );

  /** One row is one version; a version never changes. */
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
      content: c.json('content').$type<Record<string, ChannelContent>>().notNull(),
      createdAt: c.timestamp('created_at').notNull(),
    },
    (t) => [c.uniqueIndex('templates_version').on(t.projectId, t.key, t.version)],
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
      createdAt: c.timestamp('created_at').notNull(),
      endedAt: c.timestamp('ended_at'),
    },
    (t) => [
      c.index('messages_notification').on(t.notificationId),
      c
        .index('messages_waiting')
        .on(t.place, t.channel, t.lane, t.dueAt, t.id)
        .where(sql`${t.place} is not null`),
      c.index('messages_expiring').on(t.expiresAt).where(sql`${t.place} is not null`),
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
      code: c.text('code'),
      response: c.text('response'),
    },
    (t) => [c.primaryKey({ columns: [t.messageId, t.number] })],
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
      at: c.timestamp('at').notNull(),
      status: c.text('status').$type<MessageStatus>().notNull(),
      reason: c.text('reason').$type<Reason>(),
      endedAt: c.timestamp('ended_at'),
    },
    (t) => [c.primaryKey({ columns: [t.messageId, t.generation] })],
  );

  /** Counters that outlive a process, such as the one that notices a queue that lost its memory. */
  const sequences = c.table('sequences', {
    name: c.text('name').primaryKey(),
    value: c.int('value').notNull(),
  });

  return {
    projects,
    apiKeys,
    recipients,
    devices,
    templates,
    notifications,
    messages,
    attempts,
    replays,
    sequences,
  };
}

export type Tables = ReturnType<typeof defineTables>;
