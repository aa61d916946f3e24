import type { Channel, RouteView } from '@tidings/contracts';
import type { RouteRow } from '@tidings/db';
import { toIso } from '../iso.ts';

export function viewRoute(channel: Channel, row: RouteRow | undefined): RouteView {
  return {
    channel,
    providers: row?.providerIds ?? [],
    updatedAt: row === undefined ? null : toIso(row.updatedAt),
  };
}
