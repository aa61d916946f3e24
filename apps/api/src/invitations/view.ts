import type { InvitationView } from '@tidings/contracts';
import type { InvitationRow } from '@tidings/db';
import { toIso } from '../iso.ts';

/** An invitation without its secret. */
export function viewInvitation(invitation: InvitationRow, now = Date.now()): InvitationView {
  const { id, email, role, invitedBy, createdAt, expiresAt } = invitation;
  return {
    id,
    email,
    role,
    invitedBy,
    status: statusOf(invitation, now),
    createdAt: toIso(createdAt),
    expiresAt: toIso(expiresAt),
  };
}

function statusOf(
  { acceptedAt, revokedAt, expiresAt }: InvitationRow,
  now: number,
): InvitationView['status'] {
  if (acceptedAt !== null) return 'accepted';
  // Of one that had expired, another has taken the place since.
  if (revokedAt !== null && revokedAt < expiresAt) return 'revoked';
  return expiresAt <= now ? 'expired' : 'open';
}
