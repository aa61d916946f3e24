import { randomBytes } from 'node:crypto';
import { addressHash, type Claimed, type Store } from '@tidings/db';
import { makeUnsubscribeToken, unsubscribeKey } from '@tidings/runtime';
import type { RulesOf } from './rules.ts';

/** Answers where whoever a claimed message goes to can unsubscribe from its category, if it can. */
export type UnsubscribeUrlOf = (claimed: Claimed) => Promise<string | undefined>;

/** A project's keys never change: they are read once. */
interface Keys {
  ofAddresses: string;
  ofTokens: Buffer;
}

/**
 * Links to unsubscribe with (RFC 8058), for e-mails of a category that is declared and not required. Without a
 * `publicUrl` there are none: nobody would find us.
 */
export function createUnsubscribing(options: {
  store: Pick<Store, 'suppressionKeyOf'>;
  publicUrl: string | undefined;
  rules: () => Promise<RulesOf>;
}): UnsubscribeUrlOf {
  const { store, publicUrl, rules } = options;
  const known = new Map<string, Promise<Keys>>();

  function keysOf(projectId: string): Promise<Keys> {
    const found = known.get(projectId);
    if (found !== undefined) return found;
    const keys = store
      .suppressionKeyOf(projectId, randomBytes(32).toString('hex'))
      .then((key) => ({ ofAddresses: key, ofTokens: unsubscribeKey(key) }));
    known.set(projectId, keys);
    // What could not be read is asked for again.
    keys.catch(() => known.delete(projectId));
    return keys;
  }

  return async ({ message, notification }) => {
    const { id: messageId, projectId, channel, address } = message;
    const { category, recipientId } = notification;
    if (publicUrl === undefined || channel !== 'email' || category === null || address === null)
      return undefined;
    const rulesOf = await rules();
    if (!rulesOf(projectId).optional.has(category)) return undefined;
    const { ofAddresses, ofTokens } = await keysOf(projectId);
    const subject =
      recipientId === null ? { addressHash: addressHash(ofAddresses, channel, address) } : { recipientId };
    const token = makeUnsubscribeToken(ofTokens, { projectId, messageId, subject, category });
    return `${publicUrl}/u/${token}`;
  };
}
