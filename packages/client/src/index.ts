import { createTRPCClient, httpLink, TRPCClientError } from '@trpc/client';
import type { AnyRouter } from '@trpc/server';
import type { Tidings } from './tidings.ts';

export type { CallOptions, Mutation, Query, Tidings } from './tidings.ts';

/** What an error of the API says: an RFC 9457 document. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  /** Stable and machine-readable, such as `invalid_variables`. */
  code: string;
  detail: string;
  requestId: string;
  errors?: Array<{ pointer: string; detail: string }>;
}

/**
 * A client for one project.
 *
 * @example
 * const tidings = createTidings({ url: 'http://127.0.0.1:3000', apiKey: process.env.TIDINGS_API_KEY });
 * const { id } = await tidings.notifications.send.mutate({
 *   to: { email: 'ada@example.com' },
 *   template: 'welcome_email',
 *   data: { name: 'Ada', link: 'https://example.com/confirm' },
 *   idempotencyKey: 'signup-42',
 * });
 */
export function createTidings(options: {
  /** Where the API is, without a path. */
  url: string;
  /** An API key, or the access token of an account (`auth.login`). */
  apiKey: string;
  /** Which project an account means, by its key; an API key has its own. Default: `default`. */
  project?: string;
  fetch?: typeof globalThis.fetch;
}): Tidings {
  const { url, apiKey, project, fetch } = options;
  const client = createTRPCClient<AnyRouter>({
    links: [
      httpLink({
        url: new URL('/trpc', url).href,
        headers: {
          authorization: `Bearer ${apiKey}`,
          ...(project !== undefined && { 'tidings-project': project }),
        },
        ...(fetch && { fetch }),
      }),
    ],
  });
  return client as unknown as Tidings;
}

/** The problem document behind an error of the client; undefined when the API gave none (no connection, say). */
export function problemOf(error: unknown): Problem | undefined {
  if (!(error instanceof TRPCClientError)) return undefined;
  return (error.data as { problem?: Problem } | null)?.problem;
}
