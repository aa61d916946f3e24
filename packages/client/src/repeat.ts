import { pause } from './pause.ts';

/** What the client does by itself when a call does not succeed. */
export interface RepeatOptions {
  /** Milliseconds for each try; then it counts as failed. 0: as long as it takes. */
  timeoutMs: number;
  /** Further tries after the first. */
  retries: number;
}

type Fetch = typeof globalThis.fetch;

/** Milliseconds that the first wait is up to; each further one up to twice as long. */
const firstWaitMs = 200;
const longestWaitMs = 5000;
/** A `Retry-After` that asks for more than this is left to the caller. */
const longestRetryAfterMs = 30_000;
/** Answers that may be another the next time: too slow, too many, and whoever stands before the API or its record is away. */
const passing = new Set([408, 429, 502, 503, 504]);

/**
 * A `fetch` that gives each try a time limit, to the end of its answer, and repeats what failed for a passing
 * reason, after waits of random length or as long as `Retry-After` says. A call that is not `repeatable` may have
 * been carried out although no answer came: it is repeated only after 429, which says that it was not.
 */
export function repeatingFetch(
  options: RepeatOptions & {
    fetch: Fetch;
    repeatable: (procedure: string) => boolean;
    /** Milliseconds that the API may wait before it answers, by design: a try gets them on top. */
    waitMsOf?: (procedure: string) => number;
    random?: () => number;
  },
): Fetch {
  const { timeoutMs, retries, fetch, repeatable, waitMsOf = () => 0, random = Math.random } = options;

  return async (input, init = {}) => {
    const procedure = procedureOf(String(input));
    const mayRepeat = (init.method ?? 'GET') === 'GET' || repeatable(procedure);
    const limitMs = timeoutMs === 0 ? 0 : timeoutMs + waitMsOf(procedure);
    const signal = init.signal ?? undefined;
    for (let failures = 0; ; failures += 1) {
      const outcome = await once(() => fetch(input, withLimit(init, limitMs)));
      signal?.throwIfAborted();
      const waitMs = failures < retries ? waitAfter(outcome, failures) : undefined;
      if (waitMs === undefined) {
        if ('error' in outcome) throw outcome.error;
        return outcome.response;
      }
      await pause(waitMs, signal);
    }

    function waitAfter(outcome: Outcome, failures: number): number | undefined {
      const fullWaitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** failures) * random();
      if ('error' in outcome) return mayRepeat ? fullWaitMs : undefined;
      const { status, headers } = outcome.response;
      if (!passing.has(status) || !(mayRepeat || status === 429)) return undefined;
      const askedMs = Number(headers.get('retry-after') ?? 0) * 1000;
      if (!(askedMs <= longestRetryAfterMs)) return undefined;
      return Math.max(fullWaitMs, askedMs);
    }
  };
}

type Outcome = { response: Response } | { error: unknown };

async function once(run: () => Promise<Response>): Promise<Outcome> {
  try {
    return { response: await readToItsEnd(await run()) };
  } catch (error) {
    return { error };
  }
}

/** An answer that is here as a whole: while it is read, the connection may still break or the time run out. */
async function readToItsEnd(response: Response): Promise<Response> {
  const { status, statusText, headers } = response;
  const body = await response.arrayBuffer();
  // Of some statuses a body is refused, even an empty one (204, 304).
  return new Response(body.byteLength === 0 ? null : body, { status, statusText, headers });
}

function withLimit(init: RequestInit, timeoutMs: number): RequestInit {
  if (timeoutMs === 0) return init;
  const limit = AbortSignal.timeout(timeoutMs);
  return { ...init, signal: init.signal ? AbortSignal.any([init.signal, limit]) : limit };
}

/** `https://…/trpc/notifications.send?input=…` → `notifications.send`. */
function procedureOf(url: string): string {
  const { pathname } = new URL(url);
  return pathname.slice(pathname.lastIndexOf('/') + 1);
}
