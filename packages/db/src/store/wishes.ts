import type { QuietHours, WebPushKeys, Word } from '@tidings/contracts';
import { and, eq, inArray, isNull } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import { listValues, padded, placeholders } from '../prepared.ts';
import type { MessageRow } from './claim.ts';

/** A message that was claimed, as its notification has it. */
export interface Candidate {
  message: MessageRow;
  recipientId: string | null;
  category: string | null;
}

/** What a recipient has on record about being sent to. */
export interface Wishes {
  /** What it said of the categories that were asked for, and of channels as a whole. */
  words: Word[];
  quietHours: QuietHours | null;
  timezone: string | null;
}

/** What the recipients among the messages want, and who of them is erased; nobody is asked where there is none. */
export function* selectWishes(
  database: Database,
  db: Handle,
  candidates: Candidate[],
): Steps<{ wishes: Map<string, Wishes>; erased: Set<string> }> {
  const { recipients, preferences } = database.tables;
  const wishes = new Map<string, Wishes>();
  const erased = new Set<string>();
  const named = candidates.flatMap(({ recipientId }) => recipientId ?? []);
  if (named.length === 0) return { wishes, erased };
  const ids = padded([...new Set(named)]);
  const categories = padded([...new Set(['', ...candidates.map(({ category }) => category ?? '')])]);
  const theirs = yield* rows(
    database.prepared(
      db,
      `wishes_${ids.length}_${categories.length}`,
      () =>
        db
          .select({
            id: recipients.id,
            erasedAt: recipients.erasedAt,
            quietHours: recipients.quietHours,
            timezone: recipients.timezone,
            channel: preferences.channel,
            category: preferences.category,
            enabled: preferences.enabled,
          })
          .from(recipients)
          .leftJoin(
            preferences,
            and(
              eq(preferences.recipientId, recipients.id),
              inArray(preferences.category, placeholders('category', categories.length)),
            ),
          )
          .where(inArray(recipients.id, placeholders('id', ids.length))),
      { ...listValues('id', ids), ...listValues('category', categories) },
    ),
  );
  for (const { id, erasedAt, quietHours, timezone, channel, category, enabled } of theirs) {
    const own: Wishes = wishes.get(id) ?? { words: [], quietHours, timezone };
    wishes.set(id, own);
    if (erasedAt !== null) erased.add(id);
    if (channel !== null && category !== null && enabled !== null) {
      own.words.push({ channel, category, enabled });
    }
  }
  return { wishes, erased };
}

/** By the ids of messages: what a device's subscription is encrypted with, if it is one of Web Push. */
export type OwnDevices = ReadonlyMap<string, WebPushKeys | null>;

/** Of the pushes to recipients those whose device is still the recipient's, and live. */
export function* selectOwnDevices(
  database: Database,
  db: Handle,
  candidates: Candidate[],
): Steps<OwnDevices> {
  const { devices } = database.tables;
  const pushes = candidates.flatMap(({ message: { id, channel, platform, address }, recipientId }) =>
    channel === 'push' && recipientId !== null ? [{ id, recipientId, device: `${platform} ${address}` }] : [],
  );
  if (pushes.length === 0) return new Map();
  const ids = padded([...new Set(pushes.map(({ recipientId }) => recipientId))]);
  const live = yield* rows(
    database.prepared(
      db,
      `own_devices_${ids.length}`,
      () =>
        db
          .select({
            recipientId: devices.recipientId,
            platform: devices.platform,
            token: devices.token,
            keys: devices.keys,
          })
          .from(devices)
          .where(
            and(inArray(devices.recipientId, placeholders('id', ids.length)), isNull(devices.deactivatedAt)),
          ),
      listValues('id', ids),
    ),
  );
  const owned = new Map(
    live.map(({ recipientId, platform, token, keys }) => [`${recipientId} ${platform} ${token}`, keys]),
  );
  return new Map(
    pushes.flatMap(({ id, recipientId, device }) => {
      const keys = owned.get(`${recipientId} ${device}`);
      return keys === undefined ? [] : [[id, keys] as const];
    }),
  );
}
