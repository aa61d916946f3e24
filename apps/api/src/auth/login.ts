import { login as loginOperation, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { type Metrics, requireSameOrigin } from '@tidings/runtime';
import { actorOf, instanceChange, type OpenContext, openMutation } from '../operations.ts';
import type { LoginLimit } from './login-limit.ts';
import type { Passwords } from './passwords.ts';
import type { Sessions } from './sessions.ts';

/**
 * `auth.login`. An unknown e-mail, a wrong password and a disabled account get the same answer after the same
 * work, so that nobody learns who has an account.
 */
export const login = (options: {
  store: Store;
  passwords: Passwords;
  limit: LoginLimit;
  sessions: Sessions;
  metrics: Metrics;
}) => {
  const { store, passwords, limit, sessions, metrics } = options;

  async function openIfRight(password: string, email: string, context: OpenContext) {
    const account = await store.findAccountByEmail(email);
    const isRight = await passwords.verify(password, account?.passwordHash);
    return isRight && account ? sessions.open(account, context) : undefined;
  }

  return openMutation(loginOperation, async (input, context) => {
    requireSameOrigin({ method: 'POST', headers: context.requestHeaders });
    const tries = { email: input.email.toLowerCase(), address: context.address };
    await limit.take(tries, async (what) => {
      const account = what === 'email' ? await store.findAccountByEmail(tries.email) : undefined;
      metrics.logins.inc({ outcome: 'locked' });
      await store.noteEvent(actorOf(context), instanceChange('auth.lockout', account?.id ?? '', [what]));
    });
    const opened = await openIfRight(input.password, tries.email, context).catch(async (error) => {
      // Too busy, or the record away: whoever comes back must not be shut out for that.
      await limit.giveBack(tries);
      throw error;
    });
    metrics.logins.inc({ outcome: opened === undefined ? 'wrong' : 'good' });
    if (opened === undefined) throw new TidingsError('login_failed');
    await limit.succeeded(tries);
    return opened;
  });
};
