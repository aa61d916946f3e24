/**
 * Mutations that may be repeated when it is not known whether they were carried out: sends, because the client
 * gives each its idempotency key, and what comes to the same however often it is done (PUT, DELETE, cancel).
 */
export const repeatableMutations: ReadonlySet<string> = new Set([
  'notifications.send',
  'notifications.sendMany',
  'notifications.cancel',
  'accounts.update',
  'categories.remove',
  'categories.upsert',
  'devices.register',
  'devices.remove',
  'invitations.revoke',
  'preferenceDefaults.set',
  'preferences.set',
  'projects.update',
  'recipients.erase',
  'recipients.upsert',
  'recipients.upsertMany',
  'sessions.revoke',
  'templateParts.remove',
  'templateParts.upsert',
  'templates.update',
]);
