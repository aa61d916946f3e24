import { type Role, scopesOfRole, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { type Principal, unauthorized } from '../principal.ts';
import { remembered } from '../remembered.ts';
import type { Tokens } from './tokens.ts';

/** The header in which an account names the project it means, by its key. */
export const projectHeader = 'tidings-project';

/**
 * Checks access tokens of accounts: signature and time, then that the session is live and the account not
 * disabled. What was found is believed for `cacheMs`, so that a logout or another role takes effect within that
 * time in every process.
 *
 * @throws TidingsError `unauthorized` for whatever is wrong with the token; `project_not_found` for a project
 * that is unknown or archived.
 */
export function createAccountCheck(options: {
  store: Store;
  tokens: Tokens;
  cacheMs?: number;
}): (token: string, headers: Headers) => Promise<Principal> {
  const { store, tokens, cacheMs = 5000 } = options;
  const roleOf = remembered<{ accountId: string; role: Role }>(cacheMs, async (sessionId) => {
    const live = await store.findLiveSession(sessionId);
    return live && { accountId: live.account.id, role: live.account.role };
  });
  const projectOf = remembered(cacheMs, async (key) => {
    const project = await store.findProject(key);
    return project?.archivedAt === null ? project.id : undefined;
  });

  return async (token, headers) => {
    const { subject, sessionId = '' } = await tokens.verify(token, 'account');
    const live = await roleOf(sessionId);
    if (live === undefined || live.accountId !== subject) throw unauthorized();
    const projectId = await projectOf(headers.get(projectHeader) ?? 'default');
    if (projectId === undefined) throw new TidingsError('project_not_found');
    const { role } = live;
    return { kind: 'account', id: subject, sessionId, role, projectId, scopes: scopesOfRole[role] };
  };
}
