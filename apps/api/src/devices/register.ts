import { type RegisterDeviceInput, registerDevice, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { viewDevice } from './view.ts';

/** A push goes to every live device of a recipient: without a bound one send could make any number of messages. */
const devicesAtMost = 100;

/** `devices.register`. */
export const register = (store: Store) =>
  mutation(registerDevice, async ({ recipientId, ...given }, context) => {
    const { projectId } = context.principal;
    const found = await store.findRecipient(projectId, recipientId);
    if (found === undefined) throw new TidingsError('not_found');
    const address = addressOf(given);
    const live = found.devices.filter(({ deactivatedAt }) => deactivatedAt === null);
    const isNew = !live.some(
      ({ platform, token }) => platform === address.platform && token === address.token,
    );
    if (isNew && live.length >= devicesAtMost) {
      throw new TidingsError('too_many_devices', {
        detail: `A recipient has at most ${devicesAtMost} devices`,
      });
    }
    const device = { id: newId('device'), recipientId: found.recipient.id, ...address };
    const trail = { actor: actorOf(context), auditId: newId('audit') };
    return viewDevice(await store.registerDevice(projectId, device, trail));
  });

/** What identifies a Web Push subscription is its endpoint. */
function addressOf({ platform, token, subscription }: Omit<RegisterDeviceInput, 'recipientId'>) {
  return { platform, token: subscription?.endpoint ?? token ?? '', keys: subscription?.keys ?? null };
}
