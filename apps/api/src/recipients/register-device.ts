import { registerDevice, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { mutation } from '../operations.ts';
import { viewDevice } from './view.ts';

/** A push goes to every live device of a recipient: without a bound one send could make any number of messages. */
const devicesAtMost = 100;

/** `devices.register`. */
export const register = (store: Store) =>
  mutation(registerDevice, async ({ recipientId, platform, token }, { principal }) => {
    const found = await store.findRecipient(principal.projectId, recipientId);
    if (found === undefined) throw new TidingsError('not_found');
    const live = found.devices.filter(({ deactivatedAt }) => deactivatedAt === null);
    const isNew = !live.some((known) => known.platform === platform && known.token === token);
    if (isNew && live.length >= devicesAtMost) {
      throw new TidingsError('too_many_devices', {
        detail: `A recipient has at most ${devicesAtMost} devices`,
      });
    }
    const device = { id: newId('device'), recipientId: found.recipient.id, platform, token };
    return viewDevice(await store.registerDevice(principal.projectId, device));
  });
