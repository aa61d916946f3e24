import type { UpsertRecipientInput } from '@tidings/contracts';
import { and, asc, eq, isNull, type SQL } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { Tables } from '../schema/tables.ts';

export type RecipientRow = Tables['recipients']['$inferSelect'];
export type DeviceRow = Tables['devices']['$inferSelect'];

/** A recipient with its devices, oldest first, deactivated ones among them. */
export interface RecipientWithDevices {
  recipient: RecipientRow;
  devices: DeviceRow[];
}

/** Creates the recipient or changes the given fields of the one with this external id. `id` is for a new one. */
export async function upsertRecipient(
  database: Database,
  projectId: string,
  input: UpsertRecipientInput & { id: string },
): Promise<RecipientWithDevices> {
  const { recipients } = database.tables;
  const { id, externalId, ...given } = input;
  const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const [recipient] = await database.handle
    .insert(recipients)
    .values({
      id,
      projectId,
      externalId,
      ...fields,
      createdAt: database.now,
      updatedAt: database.now,
    })
    .onConflictDoUpdate({
      target: [recipients.projectId, recipients.externalId],
      set: { ...fields, updatedAt: database.now },
    })
    .returning();
  if (recipient === undefined) throw new Error('an upsert answered no row');
  return { recipient, devices: await devicesOf(database, recipient.id) };
}

/** Finds by our own id (`rcp_…`) or by the application's. */
export async function findRecipient(
  database: Database,
  projectId: string,
  id: string,
): Promise<RecipientWithDevices | undefined> {
  const { recipients } = database.tables;
  const [recipient] = await database.handle
    .select()
    .from(recipients)
    .where(
      and(
        eq(recipients.projectId, projectId),
        id.startsWith('rcp_') ? eq(recipients.id, id) : eq(recipients.externalId, id),
      ),
    );
  return recipient && { recipient, devices: await devicesOf(database, recipient.id) };
}

/**
 * Gives the device to the recipient, taking it from whoever had it: a token is one installation of an app. One
 * that was deactivated is live again.
 */
export async function registerDevice(
  database: Database,
  projectId: string,
  input: Pick<DeviceRow, 'id' | 'recipientId' | 'platform' | 'token'>,
): Promise<DeviceRow> {
  const { devices } = database.tables;
  const [device] = await database.handle
    .insert(devices)
    .values({ ...input, projectId, createdAt: database.now })
    .onConflictDoUpdate({
      target: [devices.projectId, devices.platform, devices.token],
      set: { recipientId: input.recipientId, deactivatedAt: null },
    })
    .returning();
  if (device === undefined) throw new Error('an upsert answered no row');
  return device;
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

async function devicesOf(database: Database, recipientId: string): Promise<DeviceRow[]> {
  const { devices } = database.tables;
  return await database.handle
    .select()
    .from(devices)
    .where(eq(devices.recipientId, recipientId))
    .orderBy(asc(devices.createdAt), asc(devices.id));
}
