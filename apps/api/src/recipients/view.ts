import type { DeviceView, RecipientView } from '@tidings/contracts';
import type { DeviceRow, RecipientWithDevices } from '@tidings/db';
import { isoOrNull, toIso } from '../iso.ts';

export function viewRecipient({ recipient, devices }: RecipientWithDevices): RecipientView {
  const { id, externalId, name, email, locale, timezone } = recipient;
  return {
    id,
    externalId,
    name,
    email,
    locale,
    timezone,
    createdAt: toIso(recipient.createdAt),
    updatedAt: toIso(recipient.updatedAt),
    devices: devices.map(viewDevice),
  };
}

export function viewDevice({ id, platform, token, createdAt, deactivatedAt }: DeviceRow): DeviceView {
  return { id, platform, token, createdAt: toIso(createdAt), deactivatedAt: isoOrNull(deactivatedAt) };
}
