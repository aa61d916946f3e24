import { changePassword as changePasswordOperation, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { actorOf, instanceChange, mutation } from '../operations.ts';
import { requireAccount, unauthorized } from '../principal.ts';
import type { LoginLimit } from './login-limit.ts';
import { requireGoodPassword } from './password-rules.ts';
import type { Passwords } from './passwords.ts';
import { hashesOf, newRefreshSecret, setRefreshCookie } from './refresh-cookie.ts';

/**
 * `auth.changePassword`. The current one is asked for, and guessing it is braked as a login is. The session that
 * is kept gets another refresh cookie, so that a copy of the old one is worth nothing.
 */
export const changePassword = (options: { store: Store; passwords: Passwords; limit: LoginLimit }) => {
  const { store, passwords, limit } = options;
  return mutation(changePasswordOperation, async ({ currentPassword, newPassword }, context) => {
    const { id, sessionId } = requireAccount(context.principal);
    const account = await store.findAccount(id);
    if (account === undefined) throw unauthorized();
    const { email, passwordHash } = account;
    requireGoodPassword(newPassword, email, '/newPassword');
    const tries = { email, address: context.address };
    await limit.take(tries, (what) =>
      store.noteEvent(actorOf(context), instanceChange('auth.lockout', account.id, [what])),
    );
    const wrong = new TidingsError('wrong_password', {
      errors: [{ pointer: '/currentPassword', detail: 'is wrong' }],
    });
    if (!(await passwords.verify(currentPassword, passwordHash))) throw wrong;
    const next = newRefreshSecret(sessionId);
    const ended = await store.changePassword(
      actorOf(context),
      {
        accountId: id,
        from: passwordHash,
        to: await passwords.hash(newPassword),
        keep: { id: sessionId, ...hashesOf(next) },
      },
      instanceChange('auth.changePassword', id, ['password']),
    );
    if (ended === undefined) throw wrong;
    await limit.succeeded(tries);
    Object.assign(context.headers, setRefreshCookie(context, next));
    return { endedSessions: ended };
  });
};
