import { z } from 'zod';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';

/** One login of an account. */
export const sessionView = z.strictObject({
  id: idSchema('session'),
  createdAt: z.iso.datetime(),
  refreshedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  address: z.string().meta({ description: 'Where it was begun; empty when that is not known.' }),
  userAgent: z.string().nullable(),
  current: z.boolean().meta({ description: 'Is it the one that asks?' }),
});
export type SessionView = z.infer<typeof sessionView>;

export const listSessions = operation({
  name: 'sessions.list',
  summary: 'The live sessions of the account that calls, newest first, 100 at most.',
  method: 'GET',
  path: '/v1/sessions',
  status: 200,
  access: { role: 'viewer' },
  input: z.strictObject({}),
  output: z.strictObject({ items: z.array(sessionView) }),
});

export const revokeSession = operation({
  name: 'sessions.revoke',
  summary: 'End a session of the account that calls.',
  method: 'DELETE',
  path: '/v1/sessions/{id}',
  status: 200,
  access: { role: 'viewer' },
  errors: ['not_found'],
  input: z.strictObject({ id: idSchema('session') }),
  output: sessionView,
});
