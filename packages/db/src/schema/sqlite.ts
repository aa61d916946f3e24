import * as columns from './columns.sqlite.ts';
import { defineTables } from './tables.ts';

/** The tables of SQLite. drizzle-kit reads the named exports. */
export const tables = defineTables(columns);
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
