import { acceptInvitation, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId, requireSameOrigin } from '@tidings/runtime';
import { requireGoodPassword } from '../auth/password-rules.ts';
import type { Passwords } from '../auth/passwords.ts';
import { hashSecret } from '../auth/secrets.ts';
import type { Sessions } from '../auth/sessions.ts';
import { actorOf, instanceChange, openMutation } from '../operations.ts';

/** `invitations.accept`. Whether an invitation is unknown, used, revoked or expired is for nobody to learn. */
export const accept = (options: { store: Store; passwords: Passwords; sessions: Sessions }) => {
  const { store, passwords, sessions } = options;
  return openMutation(acceptInvitation, async ({ token, name, password }, context) => {
    requireSameOrigin({ method: 'POST', headers: context.requestHeaders });
    const secretHash = hashSecret(token.slice(-43));
    const opened = { id: token.slice(0, -44), secretHash };
    // Before the password is hashed: only who is invited may make us do that.
    const invitation = await store.findOpenInvitation(opened);
    if (invitation === undefined) throw new TidingsError('invitation_not_found');
    requireGoodPassword(password, invitation.email, '/password');
    const account = { id: newId('account'), name, passwordHash: await passwords.hash(password) };
    const made = await store.acceptInvitation(
      { ...actorOf(context), kind: 'account', id: account.id },
      { ...opened, account },
      instanceChange('invitations.accept', invitation.id),
    );
    if (made === 'account_exists') throw new TidingsError('account_exists');
    const answer = made && (await sessions.open(made, context));
    if (answer === undefined) throw new TidingsError('invitation_not_found');
    return answer;
  });
};
