/**
 * Mutations that may be repeated when it is not known whether they were carried out: sends and publishes, because the
 * client gives each its idempotency key or id, and what answers the same however often it is done (PUT, registering a
 * device, cancel, pause and resume, a report of what became of a message). Not among them is what answers otherwise the
 * second time, so that its caller would take what was done
 * for refused: a removal finds nothing any more, and an update that names a revision finds another.
 */
export const repeatableMutations: ReadonlySet<string> = new Set([
  'notifications.send',
  'notifications.sendMany',
  'notifications.cancel',
  'accounts.update',
  'categories.upsert',
  'consumers.extend',
  'consumers.subscribe',
  'devices.register',
  'eventTypes.upsert',
  'events.publish',
  'events.publishMany',
  'messages.report',
  'preferenceDefaults.set',
  'preferences.set',
  'projects.update',
  'providers.update',
  'recipients.upsert',
  'recipients.upsertMany',
  'routes.set',
  'subscriptions.pause',
  'subscriptions.resume',
  'subscriptions.update',
  'suppressions.add',
  'suppressions.import',
  'templateParts.upsert',
]);
