import type { DeviceView } from '@tidings/contracts';
import type { DeviceRow } from '@tidings/db';
import { isoOrNull, toIso } from '../iso.ts';

/** A device as the API shows it: without the keys of a Web Push subscription. */
export function viewDevice({ id, platform, token, createdAt, deactivatedAt }: DeviceRow): DeviceView {
  return { id, platform, token, createdAt: toIso(createdAt), deactivatedAt: isoOrNull(deactivatedAt) };
}
