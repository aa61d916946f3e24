import type { HttpFailure, HttpReply } from './http-client.ts';
import {
  badAddress,
  classifyHttpFailure,
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
import { retryAfterMs } from './retry-after.ts';

/** What a reply of OneSignal says, as far as the classification reads it. */
interface Facts {
  status: number;
  /** Of the notification; empty when there is none, undefined when the body does not say. */
  id: string | undefined;
  /** It names subscriptions that it does not know. There was one only. */
  isUnknown: boolean;
  texts: string[];
}

/**
 * Read from the top; the first that matches decides. "Create message" and "Rate limits and error handling" in
 * OneSignal's documentation.
 */
const rules: Rule<Facts>[] = [
  ['the subscription is unknown', ({ status, isUnknown }) => isWithin(status, 200) && isUnknown, badAddress],
  ['taken', ({ status, id }) => isWithin(status, 200) && Boolean(id), { outcome: 'sent' }],
  // Such as "All included players are not subscribed": it may subscribe again under the same id.
  ['not taken, for all its 200', ({ status, id }) => isWithin(status, 200) && id === '', rejected],
  // The same again makes no copy, and OneSignal answers what it answered.
  ['a 200 that cannot be read', ({ status }) => isWithin(status, 200), transient],
  // OneSignal never redirects: whoever does is not OneSignal, and must not get the key.
  ['a redirect', ({ status }) => isWithin(status, 300), misconfigured],
  ['too many', ({ status }) => status === 429, unavailable],
  ['the key does not do', ({ status }) => status === 401 || status === 403, misconfigured],
  ['no such app', (facts) => facts.status === 400 && isOfApp(facts), misconfigured],
  ['not OneSignal', ({ status }) => status === 404 || status === 405, misconfigured],
  ['a proxy did not wait for the request', ({ status }) => status === 408, transient],
  ['refused for good', ({ status }) => isWithin(status, 400), rejected],
  ['refused for now', () => true, transient],
];

/**
 * What a reply means for the message and the provider: DESIGN §7, row OneSignal. Pure.
 *
 * @param now milliseconds since the epoch, for a Retry-After that is a date
 */
export function classifyOneSignalReply(reply: HttpReply, now: number): ProviderResult {
  const { status, body } = reply;
  const facts: Facts = { status, ...readBody(body) };
  const { wait, ...result } = decide(rules, facts);
  const waitMs = wait && retryAfterMs(headerOf(reply, 'retry-after'), now);
  return {
    ...result,
    code: String(status),
    response: readable(facts.texts.join(' ') || body),
    ...(result.outcome === 'sent' && { providerMessageId: readable(facts.id ?? '') }),
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
  };
}

/** What it means that there was no reply: to try again makes no copy, for the idempotency key is the same. */
export function classifyOneSignalFailure(failure: HttpFailure): ProviderResult {
  const result = classifyHttpFailure(failure);
  return result.outcome === 'ambiguous' ? { ...result, outcome: 'transient' } : result;
}

function isOfApp({ texts }: Facts): boolean {
  return texts.some((text) => /\bapp_id\b/.test(text));
}

/** `errors` is a list of texts, or an object with lists of ids. */
function readBody(body: string): Omit<Facts, 'status'> {
  const { id, errors } = parseObject(body);
  const texts = Array.isArray(errors) ? errors.filter((one) => typeof one === 'string') : [];
  const lists = (errors ?? {}) as Record<string, unknown>;
  const isUnknown = ['invalid_subscription_ids', 'invalid_player_ids'].some((name) => {
    const list = lists[name];
    return Array.isArray(list) && list.length > 0;
  });
  const hasErrors = texts.length > 0 || isUnknown;
  return { id: typeof id === 'string' ? id : hasErrors ? '' : undefined, isUnknown, texts };
}
