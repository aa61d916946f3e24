import type { ApiKeyView } from '@tidings/contracts';
import type { ApiKeyRow } from '@tidings/db';
import { isoOrNull, toIso } from '../iso.ts';

/** A key as the API shows it: nothing of its secret. */
export function viewApiKey({ id, name, scopes, createdBy, rotatedTo, ...row }: ApiKeyRow): ApiKeyView {
  return {
    id,
    name,
    scopes,
    createdAt: toIso(row.createdAt),
    createdBy,
    lastUsedAt: isoOrNull(row.lastUsedAt),
    expiresAt: isoOrNull(row.expiresAt),
    revokedAt: isoOrNull(row.revokedAt),
    rotatedTo,
  };
}
