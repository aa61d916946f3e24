import { z } from 'zod';
import { roles } from './access.ts';
import { password } from './accounts.ts';
import { loginOutput, openMaxBodyBytes } from './auth.ts';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { pageFields, pageOutput, takesOneCursor } from './pages.ts';
import { emailAddress, lineOfText } from './text.ts';

const invitationId = idSchema('invitation');

export const invitationStates = ['open', 'accepted', 'revoked', 'expired'] as const;

export const invitationView = z.strictObject({
  id: invitationId,
  email: z.string(),
  role: z.enum(roles),
  invitedBy: idSchema('account'),
  status: z.enum(invitationStates),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
});
export type InvitationView = z.infer<typeof invitationView>;

export const createInvitation = operation({
  name: 'invitations.create',
  summary: 'Invite somebody. The token is answered this once; an earlier invitation of the address ends.',
  method: 'POST',
  path: '/v1/invitations',
  status: 201,
  access: { role: 'admin' },
  errors: ['account_exists'],
  input: z.strictObject({ email: emailAddress, role: z.enum(roles) }),
  output: z.strictObject({
    ...invitationView.shape,
    token: z
      .string()
      .meta({ description: 'The secret for `invitations.accept`: hand it to the invited only.' }),
  }),
});

export const listInvitations = operation({
  name: 'invitations.list',
  summary: 'Invitations, newest first.',
  method: 'GET',
  path: '/v1/invitations',
  status: 200,
  access: { role: 'admin' },
  input: takesOneCursor(z.strictObject(pageFields(invitationId))),
  output: pageOutput(invitationView, invitationId),
});

export const revokeInvitation = operation({
  name: 'invitations.revoke',
  summary: 'End an invitation that is open.',
  method: 'DELETE',
  path: '/v1/invitations/{id}',
  status: 200,
  access: { role: 'admin' },
  errors: ['not_found', 'invitation_not_found'],
  input: z.strictObject({ id: invitationId }),
  output: invitationView,
});

export const acceptInvitation = operation({
  name: 'invitations.accept',
  summary: 'Make an account with the token of an invitation, and log in.',
  method: 'POST',
  path: '/v1/invitations/accept',
  status: 201,
  access: 'anyone',
  errors: ['invitation_not_found', 'account_exists', 'weak_password', 'overloaded'],
  input: z.strictObject({
    token: z
      .string()
      .regex(/^inv_[0-9a-f]{32}_[0-9A-Za-z_-]{43}$/, 'must be the token of an invitation')
      .meta({ examples: [`inv_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1_${'s'.repeat(43)}`] }),
    name: lineOfText(200),
    password,
  }),
  output: loginOutput,
  maxBodyBytes: openMaxBodyBytes,
});
