import type { HttpFailure, HttpReply } from './http-client.ts';
import {
  badAddress,
  classifyHttpFailure,
  decide,
  headerOf,
  isWithin,
  misconfigured,
  type Rule,
  rejected,
  transient,
  type Verdict,
} from './http-failures.ts';
import type { ProviderResult } from './provider.ts';
import { readable } from './readable.ts';
import { retryAfterMs } from './retry-after.ts';

/** Whom a reply is from, and what is known of the message. */
export interface WebPushContext {
  /** It is a push service that browsers come with, and no address that somebody made up. */
  isKnownService: boolean;
  /** Its host is listed by its name: of many hosts under a service's domain anybody can make up one that is not there. */
  isKnownHost: boolean;
  /** Failed tries of the message before this one. */
  failures: number;
  /** Milliseconds since the epoch. */
  now: number;
}

interface Facts extends WebPushContext {
  status: number;
  body: string;
}

/** When nothing is said of it: what may be over in a minute, and what somebody has to mend. Milliseconds. */
const soonMs = 60_000;
const laterMs = 900_000;

/** Of one subscription: others need not wait for it. */
const ofVapid: Verdict = { outcome: 'transient', reason: 'provider_configuration', wait: true };

/**
 * Read from the top; the first that matches decides. Statuses: RFC 8030 §5 and §8.4, RFC 8292 §4.2, and what the
 * push services of Chrome, Firefox (autopush, "Error Codes") and Safari ("Sending web push notifications", Apple)
 * say besides.
 *
 * An endpoint is what a user names. So what it says may end its own message and no more: only a known push service
 * that finds fault with the token that we sign, which depends on nothing a user can choose, holds the queue.
 */
const rules: Rule<Facts>[] = [
  ['taken', ({ status }) => isWithin(status, 200), { outcome: 'sent' }],
  ['a redirect', ({ status }) => isWithin(status, 300), rejected],
  ['the subscription is gone', ({ status }) => status === 410, badAddress],
  // Some services say it for a while of a subscription that they will find again. What the failures before were is
  // not known here, and one may have been of anything: so it takes two.
  ['not found again', ({ status, failures }) => status === 404 && failures >= 2, badAddress],
  ['not found', ({ status }) => status === 404, transient],
  ['too large', ({ status }) => status === 413, rejected],
  // RFC 8030 §8.4: the limit is that of the subscription.
  ['too many', ({ status }) => status === 429, transient],
  ['the subscription is of another key', (facts) => isOfVapid(facts) && isOfAnotherKey(facts), badAddress],
  ['our token does not do', (facts) => isOfVapid(facts) && isOfOurToken(facts), misconfigured],
  ['not for us', isOfVapid, ofVapid],
  ['a proxy did not wait for the request', ({ status }) => status === 408, transient],
  ['refused for good', ({ status }) => isWithin(status, 400), rejected],
  ['refused for now', () => true, transient],
];

/** What a reply means for the message and the provider: DESIGN §7, row Web Push. Pure. */
export function classifyWebPushReply(reply: HttpReply, context: WebPushContext): ProviderResult {
  const { status, body } = reply;
  const { wait, ...result } = decide(rules, { ...context, status, body });
  const waitMs = wait && (retryAfterMs(headerOf(reply, 'retry-after'), context.now) ?? defaultWaitMs(status));
  return {
    ...result,
    ...(result.outcome !== 'sent' && blameOf(context)),
    code: String(status),
    response: readable(body),
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
  };
}

/**
 * What it means that there was no reply. That an address is no public one may change, so the device stays; that a
 * host which somebody named cannot be reached is no reason to hold the others.
 */
export function classifyWebPushFailure(
  failure: HttpFailure,
  context: Pick<WebPushContext, 'isKnownService' | 'isKnownHost'>,
): ProviderResult {
  const { isKnownService, isKnownHost } = context;
  const { fate, code, message } = failure;
  const response = readable(message);
  if (code === 'EUNSAFE') return { outcome: 'rejected', reason: 'invalid_address', code, response };
  // We are closing, which no endpoint can do.
  if (isKnownHost || code === 'ECLOSED') return classifyHttpFailure(failure);
  if (fate === 'unknown') return { ...classifyHttpFailure(failure), blame: 'message' };
  return {
    outcome: 'transient',
    reason: 'provider_unavailable',
    blame: 'message',
    code,
    response,
    // A push service may be away for longer than the budget would last.
    ...(isKnownService && { retryAfterMs: laterMs }),
  };
}

/** However many endpoints of somebody's making fail in a row, that says nothing of a push service. */
function blameOf({ isKnownService }: Pick<WebPushContext, 'isKnownService'>): Pick<ProviderResult, 'blame'> {
  return isKnownService ? {} : { blame: 'message' };
}

function defaultWaitMs(status: number): number | undefined {
  if (status >= 500) return undefined;
  return status === 404 || status === 408 || status === 429 ? soonMs : laterMs;
}

function isOfVapid({ status }: Facts): boolean {
  return status === 400 || status === 401 || status === 403;
}

/**
 * Chrome: "… do not correspond to the credentials used to create the subscriptions", "… does not correspond to the
 * sender ID used to subscribe this user". Firefox: "VAPID public key mismatch". Safari: VapidPkHashMismatch.
 */
function isOfAnotherKey({ body }: Facts): boolean {
  return /\bnot correspond to the (credentials|sender)|VAPID public key mismatch|VapidPkHashMismatch/i.test(
    body,
  );
}

/** Chrome: "invalid JWT provided". Safari: BadJwtToken. */
function isOfOurToken({ isKnownService, body }: Facts): boolean {
  return isKnownService && /jwt/i.test(body);
}
