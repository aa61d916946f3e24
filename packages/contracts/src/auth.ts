import { z } from 'zod';
import { accountView, password } from './accounts.ts';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { lineOfText } from './text.ts';

/** Nothing that is asked without credentials is large. */
export const openMaxBodyBytes = 16_384;

/** What a login gives. The refresh cookie comes beside it, in a header. */
export const loginOutput = z.strictObject({
  accessToken: z.string().meta({ description: 'For `Authorization: Bearer …`, until it ends.' }),
  expiresAt: z.iso
    .datetime()
    .meta({ description: 'When the access token ends; `auth.refresh` gives another.' }),
  account: accountView,
});
export type LoginOutput = z.infer<typeof loginOutput>;

export const login = operation({
  name: 'auth.login',
  summary: 'Log in. Sets the refresh cookie.',
  method: 'POST',
  path: '/v1/auth/login',
  status: 200,
  access: 'anyone',
  errors: ['login_failed', 'overloaded'],
  input: z.strictObject({
    email: lineOfText(254).meta({ examples: ['ada@example.com'] }),
    password: z
      .string()
      .min(1)
      .max(256)
      .meta({ examples: ['correct horse battery staple'] }),
  }),
  output: loginOutput,
  maxBodyBytes: openMaxBodyBytes,
});

export const refresh = operation({
  name: 'auth.refresh',
  summary: 'Another access token for the refresh cookie, which is replaced.',
  method: 'POST',
  path: '/v1/auth/refresh',
  status: 200,
  access: 'anyone',
  errors: ['login_required', 'cross_site'],
  input: z.strictObject({}),
  output: loginOutput,
  maxBodyBytes: openMaxBodyBytes,
});

export const logout = operation({
  name: 'auth.logout',
  summary: 'End the session of the refresh cookie or of the access token. Clears the cookie.',
  method: 'POST',
  path: '/v1/auth/logout',
  status: 200,
  access: 'anyone',
  errors: ['cross_site'],
  input: z.strictObject({}),
  output: z.strictObject({
    sessionId: idSchema('session').nullable().meta({ description: 'What ended; null when there was none.' }),
  }),
  maxBodyBytes: openMaxBodyBytes,
});

export const me = operation({
  name: 'auth.me',
  summary: 'The account that calls.',
  method: 'GET',
  path: '/v1/auth/me',
  status: 200,
  access: { role: 'viewer' },
  input: z.strictObject({}),
  output: z.strictObject({ account: accountView, sessionId: idSchema('session') }),
});

export const changePassword = operation({
  name: 'auth.changePassword',
  summary:
    'Change the password of the account that calls. Ends its other sessions and replaces the refresh cookie.',
  method: 'POST',
  path: '/v1/auth/password',
  status: 200,
  access: { role: 'viewer' },
  errors: ['wrong_password', 'weak_password', 'overloaded'],
  input: z.strictObject({ currentPassword: z.string().min(1).max(256), newPassword: password }),
  output: z.strictObject({ endedSessions: z.int().min(0) }),
  maxBodyBytes: openMaxBodyBytes,
});
