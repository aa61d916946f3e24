import type { HttpReply } from './http-client.ts';
import {
  ambiguous,
  badAddress,
  decide,
  headerOf,
  isWithin,
  misconfigured,
  parseObject,
  type Rule,
  rejected,
  transient,
  unavailable,
} from './http-failures.ts';
import type { ProviderResult } from './provider.ts';
import { readable } from './readable.ts';
import { longestRetryAfterMs, retryAfterMs } from './retry-after.ts';

/** What a reply of SendGrid says, as far as the classification reads it. */
interface Facts {
  status: number;
  errors: SendGridError[];
}

interface SendGridError {
  message: string;
  /** What in the request it is about, such as `personalizations.0.to.0.email`; empty without. */
  field: string;
}

/**
 * Read from the top; the first that matches decides. Statuses: "Mail Send: Responses" and "4XX API Errors and
 * Troubleshooting Suggestions" in SendGrid's documentation.
 */
const rules: Rule<Facts>[] = [
  ['taken', ({ status }) => isWithin(status, 200), { outcome: 'sent' }],
  // SendGrid never redirects: whoever does is not SendGrid, and must not get the key.
  ['a redirect', ({ status }) => isWithin(status, 300), misconfigured],
  ['too many', ({ status }) => status === 429, unavailable],
  ['the plan has no credits left', (facts) => facts.status === 401 && hasNoCredits(facts), unavailable],
  ['the key, or the sender, does not do', ({ status }) => status === 401 || status === 403, misconfigured],
  ['not SendGrid', ({ status }) => status === 404 || status === 405, misconfigured],
  ['the address is no use', (facts) => facts.status === 400 && isOfAddress(facts), badAddress],
  ['a proxy did not wait for the request', ({ status }) => status === 408, transient],
  ['refused for good', ({ status }) => isWithin(status, 400), rejected],
  ['not served now', ({ status }) => status === 503, transient],
  // Without an idempotency key nobody can say how far it had come.
  ['failed on the way', () => true, ambiguous],
];

/**
 * What a reply means for the message and the provider: DESIGN §7, row SendGrid. Pure. A 202 counts as sent
 * whatever its body is.
 *
 * @param now milliseconds since the epoch, for the headers that are times
 */
export function classifySendGridReply(reply: HttpReply, now: number): ProviderResult {
  const { status, body } = reply;
  const errors = readErrors(body);
  const { wait, ...result } = decide(rules, { status, errors });
  const waitMs = wait && (retryAfterMs(headerOf(reply, 'retry-after'), now) ?? resetMs(reply, now));
  const id = headerOf(reply, 'x-message-id');
  return {
    ...result,
    code: [status, errors[0]?.field].filter(Boolean).join(' '),
    response: readable(errors.map(({ message }) => message).join(' ') || body),
    ...(result.outcome === 'sent' && id && { providerMessageId: readable(id) }),
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
  };
}

/** X-RateLimit-Reset: when the limit is renewed, in seconds since the epoch. */
function resetMs(reply: HttpReply, now: number): number | undefined {
  const text = headerOf(reply, 'x-ratelimit-reset') ?? '';
  if (!/^\d{1,12}$/.test(text)) return undefined;
  return Math.min(Math.max(Number(text) * 1000 - now, 0), longestRetryAfterMs);
}

function hasNoCredits({ errors }: Facts): boolean {
  return errors.some(({ message }) => /maximum credits exceeded/i.test(message));
}

// "Does not contain a valid address.", of the one to whom it is sent.
function isOfAddress({ errors }: Facts): boolean {
  return errors.some(
    ({ field, message }) =>
      /^personalizations\.\d+\.to\b/.test(field) && /\bvalid (e-?mail )?address\b/i.test(message),
  );
}

function readErrors(body: string): SendGridError[] {
  const { errors } = parseObject(body);
  if (!Array.isArray(errors)) return [];
  return errors.slice(0, 10).flatMap((one: unknown) => {
    const { message, field } = (one ?? {}) as { message?: unknown; field?: unknown };
    if (typeof message !== 'string') return [];
    return [{ message, field: typeof field === 'string' && /^[\w.-]{1,64}$/.test(field) ? field : '' }];
  });
}
