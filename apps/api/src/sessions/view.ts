import type { SessionView } from '@tidings/contracts';
import type { SessionRow } from '@tidings/db';
import { toIso } from '../iso.ts';

/** A session as the one with `currentId` sees it. */
export function viewSession(session: SessionRow, currentId: string): SessionView {
  const { id, address, userAgent } = session;
  return {
    id,
    createdAt: toIso(session.createdAt),
    refreshedAt: toIso(session.refreshedAt),
    expiresAt: toIso(session.expiresAt),
    address,
    userAgent,
    current: id === currentId,
  };
}
