import type { LoginOutput } from '@tidings/contracts';
import type { AccountRow, Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { viewAccount } from '../accounts/view.ts';
import { actorOf, instanceChange, type OpenContext } from '../operations.ts';
import { hashesOf, newRefreshSecret, refreshLifetimeMs, setRefreshCookie } from './refresh-cookie.ts';
import type { Tokens } from './tokens.ts';

/** Seconds that an access token is good for. */
const accessSeconds = 600;

/** What logs somebody in who has shown who they are. */
export interface Sessions {
  /** Begins a session and sets its cookie; undefined when the account is disabled or its password another by now. */
  open(account: AccountRow, context: OpenContext): Promise<LoginOutput | undefined>;
  /** What a login or refresh answers. */
  answer(account: AccountRow, sessionId: string): Promise<LoginOutput>;
}

/** Sessions of 30 days from their last refresh, with access tokens of ten minutes. */
export function createSessions({ store, tokens }: { store: Store; tokens: Tokens }): Sessions {
  async function answer(account: AccountRow, sessionId: string): Promise<LoginOutput> {
    const { token, expiresAt } = await tokens.sign(
      'account',
      { subject: account.id, sessionId },
      accessSeconds,
    );
    return {
      accessToken: token,
      expiresAt: new Date(expiresAt).toISOString(),
      account: viewAccount(account),
    };
  }

  return {
    answer,
    open: async ({ id, passwordHash }, context) => {
      const sessionId = newId('session');
      const first = newRefreshSecret(sessionId);
      const opened = await store.openSession(
        { ...actorOf(context), kind: 'account', id },
        {
          id: sessionId,
          accountId: id,
          ...hashesOf(first),
          address: context.address,
          userAgent: context.requestHeaders.get('user-agent')?.slice(0, 300) ?? null,
          passwordHash,
          lifetimeMs: refreshLifetimeMs,
        },
        instanceChange('auth.login', sessionId),
      );
      if (opened === undefined) return undefined;
      Object.assign(context.headers, setRefreshCookie(context, first));
      return answer(opened, sessionId);
    },
  };
}
