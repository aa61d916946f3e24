import { channelOfProvider, type ProviderView } from '@tidings/contracts';
import type { ProviderRow } from '@tidings/db';
import { toIso } from '../iso.ts';

export function viewProvider({
  id,
  name,
  kind,
  shown,
  perSecond,
  enabled,
  ...row
}: ProviderRow): ProviderView {
  return {
    id,
    name,
    kind,
    channel: channelOfProvider[kind],
    settings: shown,
    perSecond,
    enabled,
    createdAt: toIso(row.createdAt),
    updatedAt: toIso(row.updatedAt),
  };
}
