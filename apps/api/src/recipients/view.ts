import type { RecipientView } from '@tidings/contracts';
import type { RecipientRow, RecipientWithDevices } from '@tidings/db';
import { viewDevice } from '../devices/view.ts';
import { toIso } from '../iso.ts';

/** A recipient as the API shows it. */
export function viewRecipient({ recipient, devices }: RecipientWithDevices): RecipientView {
  return { ...viewPerson(recipient), devices: devices.map(viewDevice) };
}

/** The same without its devices. */
export function viewPerson(recipient: RecipientRow): Omit<RecipientView, 'devices'> {
  const { id, externalId, name, email, locale, timezone, attributes, quietHours } = recipient;
  return {
    id,
    externalId,
    name,
    email,
    locale,
    timezone,
    attributes,
    quietHours,
    createdAt: toIso(recipient.createdAt),
    updatedAt: toIso(recipient.updatedAt),
  };
}
