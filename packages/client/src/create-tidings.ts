import { createTRPCClient, httpLink, type TRPCLink } from '@trpc/client';
import type { AnyRouter } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import { batched } from './batch.ts';
import { asClientError } from './errors.ts';
import { keysForRepeats } from './keys.ts';
import { repeatingFetch } from './repeat.ts';
import { repeatableMutations } from './repeatable.ts';
import type { Tidings } from './tidings.ts';

/** The API waits so long for events to hand out. */
const longestReceiveMs = 20_000;

/** How to reach Tidings. */
export interface TidingsOptions {
  /** Where the API is, without a path. */
  url: string;
  /** Key of a project, `tk_…`. Keep it on servers: whoever has it may do what its scopes say. */
  apiKey?: string;
  /** Instead of a key: the token of an account or of a recipient, asked for at each call. */
  accessToken?: () => string | Promise<string>;
  /** Key of the project that an account means. */
  project?: string;
  /** Milliseconds for each try, and 20 s more where the API waits for events. 0: as long as it takes. */
  timeoutMs?: number;
  /** Further tries after a failure that may pass. */
  retries?: number;
  fetch?: typeof globalThis.fetch;
}

/**
 * A client for one project. It needs nothing but `fetch`, and runs in Node, browsers and edge runtimes alike.
 *
 * Sends of the same turn of the event loop share a request, and so do publishes. Each send has an idempotency key and
 * each publish an id, given or made, so that it is safe to repeat: a call that found no connection, ran out of time, or
 * was answered 408, 429, 502, 503 or 504 is tried again after a wait. Other mutations are tried again only where that
 * cannot do anything twice.
 *
 * Calls reject with `TidingsApiError`, whose `code` says why the API refused, or `TidingsConnectionError`.
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
export function createTidings(options: TidingsOptions): Tidings {
  const { url, timeoutMs = 10_000, retries = 3, fetch = globalThis.fetch } = options;
  const client = createTRPCClient<AnyRouter>({
    links: [
      withOurErrors,
      keysForRepeats,
      batched({ one: 'notifications.send', many: 'notifications.sendMany' }),
      batched({ one: 'events.publish', many: 'events.publishMany' }),
      httpLink({
        url: new URL('/trpc', url).href,
        headers: () => headersOf(options),
        fetch: repeatingFetch({
          fetch: (...call) => fetch(...call),
          timeoutMs,
          retries,
          repeatable: (procedure) => repeatableMutations.has(procedure),
          waitMsOf: (procedure) => (procedure === 'consumers.receive' ? longestReceiveMs : 0),
        }),
      }),
    ],
  });
  return client as unknown as Tidings;
}

async function headersOf({ apiKey, accessToken, project }: TidingsOptions): Promise<Record<string, string>> {
  const credentials = apiKey ?? (await accessToken?.());
  return {
    ...(credentials !== undefined && { authorization: `Bearer ${credentials}` }),
    ...(project !== undefined && { 'tidings-project': project }),
  };
}

const withOurErrors: TRPCLink<AnyRouter> =
  () =>
  ({ op, next }) =>
    observable((observer) =>
      next(op).subscribe({
        next: (envelope) => observer.next(envelope),
        error: (error) => observer.error(asClientError(error)),
        complete: () => observer.complete(),
      }),
    );
