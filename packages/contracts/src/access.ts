/**
 * What an API key may be allowed to do in its project: `feedback` is to tell what became of messages, `consume` to
 * subscribe to events by name and to take copies of them.
 */
export const scopes = ['send', 'read', 'manage', 'feedback', 'consume'] as const;
export type Scope = (typeof scopes)[number];

/** What an account may do, most first. An account's role holds in every project of the instance. */
export const roles = ['owner', 'admin', 'member', 'viewer'] as const;
export type Role = (typeof roles)[number];

/** The scopes that a role brings in every project. */
export const scopesOfRole: Readonly<Record<Role, readonly Scope[]>> = {
  owner: scopes,
  admin: scopes,
  member: ['send', 'read'],
  viewer: ['read'],
};

/**
 * Who may call an operation.
 *
 * - `scope`: within one project, an API key that has the scope or an account whose role brings it. With
 *   `recipient`, the token of a recipient too, about that recipient only.
 * - `role`: an account of at least this role. No API key.
 * - `anyone`: without credentials.
 */
export type Access = { scope: Scope; recipient?: true } | { role: Role } | 'anyone';

/** Is the role this one or a higher one? */
export function isAtLeast(role: Role, needed: Role): boolean {
  return roles.indexOf(role) <= roles.indexOf(needed);
}

/** The roles that somebody of this role may give to others, and change in them. */
export function rolesManagedBy(role: Role): readonly Role[] {
  if (role === 'owner') return roles;
  return role === 'admin' ? ['member', 'viewer'] : [];
}

/** Who may be named in the audit trail. `anyone` had no credentials; `system` is Tidings itself. */
export const actorKinds = ['key', 'account', 'recipient', 'anyone', 'system'] as const;
export type ActorKind = (typeof actorKinds)[number];
