import { randomUUID } from 'node:crypto';
import { TidingsError, toProblem } from '@tidings/contracts';
import { Hono } from 'hono';
import type { FetchHandler } from './http-server.ts';
import type { Metrics } from './metrics.ts';
import { withDeadline } from './shutdown.ts';

/** Things that a process needs, each with a question that resolves while it is there. */
export type Checks = Record<string, () => Promise<unknown>>;

const answerWithinMs = 2500;

/**
 * Asks all at once; answers `ok` for each that is there, else that it does not answer, with the error's code where
 * it has one, never its message, which may quote anything.
 */
export async function runChecks(checks: Checks): Promise<Record<string, string>> {
  const entries = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await answerOf(check)] as const),
  );
  return Object.fromEntries(entries);
}

async function answerOf(check: () => Promise<unknown>): Promise<string> {
  let answer = 'does not answer';
  const asked = check().then(
    () => {
      answer = 'ok';
    },
    (error) => {
      answer = ['does not answer', codeOf(error)].filter(Boolean).join(': ');
    },
  );
  await withDeadline(asked, answerWithinMs);
  return answer;
}

/** Of the error or its cause: a query builder wraps the driver's error. */
function codeOf(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } };
  return [code, cause?.code].find((one) => typeof one === 'string') as string | undefined;
}

/**
 * What a process apart from the API shows of itself: `/health` (it lives), `/ready` (503 with what is wrong) and
 * `/metrics` (Prometheus). Everything else goes to `rest`, or is not found.
 *
 * @param options.faults by its name what is not as it should be, and does not keep the process from its work: it is
 *   ready, but `degraded`
 */
export function createHealthApp(options: {
  checks: Checks;
  metrics: Metrics;
  faults?: () => Record<string, string>;
  rest?: FetchHandler;
}): {
  fetch: FetchHandler;
} {
  const { checks, metrics, rest, faults = () => ({}) } = options;
  const app = new Hono<{ Bindings: Parameters<FetchHandler>[1] }>({ strict: false });
  app.get('/health', (c) => c.json({ status: 'ok' }));
  app.get('/ready', async (c) => {
    const answers = await runChecks(checks);
    const isReady = Object.values(answers).every((answer) => answer === 'ok');
    const found = faults();
    const all = { ...answers, ...found };
    if (!isReady) return problem('unavailable', { checks: all });
    return c.json({ status: Object.keys(found).length > 0 ? 'degraded' : 'ok', checks: all });
  });
  app.get('/metrics', async (c) =>
    c.body(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType }),
  );
  app.notFound((c) => (rest === undefined ? problem('not_found') : rest(c.req.raw, c.env)));
  return { fetch: (request, peer) => app.fetch(request, peer) };
}

function problem(code: 'unavailable' | 'not_found', extra: object = {}): Response {
  const document = { ...toProblem(new TidingsError(code), randomUUID()), ...extra };
  return Response.json(document, {
    status: document.status,
    headers: { 'content-type': 'application/problem+json' },
  });
}
