import * as columns from './columns.pg.ts';
import type * as sqliteColumns from './columns.sqlite.ts';
import { defineTables } from './tables.ts';

/**
 * The tables of Postgres: the same definition over the other kit. This is the one cast of the schema. drizzle-kit
 * reads the named exports.
 */
export const tables = defineTables(columns as unknown as typeof sqliteColumns);
export const {
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
} = tables;
