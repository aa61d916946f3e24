import { type Access, isAtLeast, type Role, type Scope, TidingsError } from '@tidings/contracts';
import type { Refusal } from '@tidings/db';

/** Who calls, and in which project. */
export type Principal =
  | { kind: 'key'; id: string; projectId: string; scopes: readonly Scope[] }
  | {
      kind: 'account';
      id: string;
      sessionId: string;
      role: Role;
      /** Of the project that the header `Tidings-Project` names. */
      projectId: string;
      scopes: readonly Scope[];
    }
  | { kind: 'recipient'; id: string; projectId: string; scopes: readonly Scope[] };

/**
 * Finds out who calls; undefined when the request brings no credentials.
 *
 * @throws TidingsError `unauthorized` when it brings some that are not good.
 */
export type Authenticate = (headers: Headers) => Promise<Principal | undefined>;

/**
 * Answers the caller if it may do this. What a recipient may do it may do about itself only: that is for the
 * operation to see to, which knows whom it is about.
 *
 * @throws TidingsError `unauthorized` when nobody is there, `forbidden` when it is somebody else's to do.
 */
export function requireAccess(
  principal: Principal | undefined,
  access: Exclude<Access, 'anyone'>,
): Principal {
  if (principal === undefined) throw unauthorized();
  const lacking = 'role' in access ? lackingRole(principal, access.role) : lackingScope(principal, access);
  if (lacking !== undefined) throw new TidingsError('forbidden', { detail: lacking });
  return principal;
}

function lackingRole(principal: Principal, role: Role): string | undefined {
  if (principal.kind !== 'account') return `Only an account may do this, with the role "${role}" or higher`;
  return isAtLeast(principal.role, role) ? undefined : `The account lacks the role "${role}"`;
}

function lackingScope(
  principal: Principal,
  { scope, recipient }: { scope: Scope; recipient?: true },
): string | undefined {
  if (principal.kind === 'recipient')
    return recipient === true ? undefined : "A recipient's token does not allow this";
  if (principal.scopes.includes(scope)) return undefined;
  const who = principal.kind === 'key' ? 'API key' : 'account';
  return `The ${who} lacks the scope "${scope}"`;
}

/**
 * The caller as an account.
 *
 * @throws TidingsError `forbidden` when it is something else.
 */
export function requireAccount(principal: Principal): Extract<Principal, { kind: 'account' }> {
  if (principal.kind === 'account') return principal;
  throw new TidingsError('forbidden', { detail: 'Only an account may do this' });
}

/**
 * What a commit answered, unless it did nothing since the caller's rights have ended: those that a request is let
 * in with may be some seconds old.
 *
 * @throws TidingsError `unauthorized` or `forbidden`
 */
export function unlessRefused<Result>(result: Result, detail?: string): Exclude<Result, Refusal> {
  if (result === 'logged_out') throw unauthorized();
  if (result === 'forbidden')
    throw new TidingsError('forbidden', { ...(detail !== undefined && { detail }) });
  return result as Exclude<Result, Refusal>;
}

/** The same for whatever is wrong with credentials: nobody learns which part of a guess was right. */
export function unauthorized(): TidingsError {
  return new TidingsError('unauthorized', { headers: { 'www-authenticate': 'Bearer' } });
}
