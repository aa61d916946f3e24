import { and, eq, isNull, type SQL } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import { type Actor, recordChange } from './audit.ts';

export type DeviceRow = Tables['devices']['$inferSelect'];

/**
 * Gives the device to the recipient, taking it from whoever had it: a token is one installation of an app. One
 * that was deactivated is live again.
 */
export function registerDevice(
  database: Database,
  projectId: string,
  input: Pick<DeviceRow, 'id' | 'recipientId' | 'platform' | 'token' | 'keys'>,
  { actor, auditId }: { actor: Actor; auditId: string },
): Promise<DeviceRow> {
  const { devices } = database.tables;
  return database.commit(function* (db) {
    const [device] = yield* rows(
      db
        .insert(devices)
        .values({ ...input, projectId, createdAt: database.now })
        .onConflictDoUpdate({
          target: [devices.projectId, devices.platform, devices.token],
          set: { recipientId: input.recipientId, keys: input.keys, deactivatedAt: null },
        })
        .returning(),
    );
    if (device === undefined) throw new Error('an upsert answered no row');
    yield* recordChange(database, db, actor, {
      id: auditId,
      projectId,
      action: 'devices.register',
      target: device.id,
      fields: ['recipientId', 'platform', ...(input.keys === null ? ['token'] : ['subscription'])],
    });
    return device;
  });
}

/** Forgets a device of the recipient. Answers it as it was; undefined when the recipient has no such device. */
export function removeDevice(
  database: Database,
  projectId: string,
  device: { id: string; recipientId: string },
  { actor, auditId }: { actor: Actor; auditId: string },
): Promise<DeviceRow | undefined> {
  const { devices } = database.tables;
  return database.commit(function* (db) {
    const [removed] = yield* rows(
      db
        .delete(devices)
        .where(
          and(
            eq(devices.id, device.id),
            eq(devices.projectId, projectId),
            eq(devices.recipientId, device.recipientId),
          ),
        )
        .returning(),
    );
    if (removed === undefined) return undefined;
    yield* recordChange(database, db, actor, {
      id: auditId,
      projectId,
      action: 'devices.remove',
      target: removed.id,
    });
    return removed;
  });
}

/** One step of a commit: pushes to this token of the message's project and platform come to nothing. */
export function* deactivateDevice(
  { tables: { devices } }: Database,
  db: Handle,
  message: Pick<Tables['messages']['$inferSelect'], 'projectId' | 'platform' | 'address'>,
  at: number | SQL<number>,
): Steps<void> {
  const { projectId, platform, address } = message;
  if (platform === null || address === null) return;
  yield* rows(
    db
      .update(devices)
      .set({ deactivatedAt: at })
      .where(
        and(
          eq(devices.projectId, projectId),
          eq(devices.platform, platform),
          eq(devices.token, address),
          isNull(devices.deactivatedAt),
        ),
      )
      .returning({ id: devices.id }),
  );
}
