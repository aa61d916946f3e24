import { changePassword as changePasswordOperation, TidingsError } from '@tidings/contracts';
import type { AccountRow, Store } from '@tidings/db';
import type { z } from 'zod';
import { actorOf, type Context, instanceChange, mutation } from '../operations.ts';
import { requireAccount, unauthorized } from '../principal.ts';
import type { Brake } from './login-limit.ts';
import { requireGoodPassword } from './password-rules.ts';
import type { Passwords } from './passwords.ts';
import { hashesOf, newRefreshSecret, setRefreshCookie } from './refresh-cookie.ts';

/**
 * `auth.changePassword`. The current one is asked for, and guessing it is braked, by the session: its user is not
 * shut out by who guesses elsewhere. The session that is kept gets another refresh cookie, so that a copy of the old
 * one is worth nothing.
 */
export const changePassword = (options: { store: Store; passwords: Passwords; passwordLimit: Brake }) => {
  const { store, passwords, passwordLimit: limit } = options;

  /** Answers how many sessions ended; undefined when the current password is another. */
  async function changeIfRight(
    input: z.output<typeof changePasswordOperation.input>,
    { id, email, passwordHash }: AccountRow,
    context: Context,
  ): Promise<number | undefined> {
    requireGoodPassword(input.newPassword, email, '/newPassword');
    if (!(await passwords.verify(input.currentPassword, passwordHash))) return undefined;
    const next = newRefreshSecret(requireAccount(context.principal).sessionId);
    const ended = await store.changePassword(
      actorOf(context),
      {
        accountId: id,
        from: passwordHash,
        to: await passwords.hash(input.newPassword),
        keep: { id: next.sessionId, ...hashesOf(next) },
      },
      instanceChange('auth.changePassword', id, ['password']),
    );
    if (ended !== undefined) Object.assign(context.headers, setRefreshCookie(context, next));
    return ended;
  }

  return mutation(changePasswordOperation, async (input, context) => {
    const { id, sessionId } = requireAccount(context.principal);
    const account = await store.findAccount(id);
    if (account === undefined) throw unauthorized();
    await limit.take(sessionId, () =>
      store.noteEvent(actorOf(context), instanceChange('auth.lockout', id, ['session'])),
    );
    const endedSessions = await changeIfRight(input, account, context).catch(async (error) => {
      // Nothing was found out of the current one: too busy, the record away, or the new one no good.
      await limit.giveBack(sessionId);
      throw error;
    });
    if (endedSessions === undefined) {
      throw new TidingsError('wrong_password', {
        errors: [{ pointer: '/currentPassword', detail: 'is wrong' }],
      });
    }
    await limit.forget(sessionId);
    return { endedSessions };
  });
};
