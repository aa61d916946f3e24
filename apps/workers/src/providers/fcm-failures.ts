import type { Http2Failure, Http2Reply } from './http2-session.ts';
import type { ProviderResult } from './provider.ts';
import { readable } from './readable.ts';
import { retryAfterMs } from './retry-after.ts';

/** What a reply of FCM says, as far as the classification reads it. */
interface Facts {
  status: number;
  /** `errorCode` of an FcmError among the details, else `error.status`; empty without either. */
  word: string;
}

type Verdict = Pick<ProviderResult, 'outcome' | 'reason'> & {
  /** Whether to look at Retry-After, and what to take when it says nothing. */
  wait?: { defaultMs?: number };
};
type Rule = [when: string, matches: (facts: Facts) => boolean, then: Verdict];

const misconfigured: Verdict = { outcome: 'held', reason: 'provider_configuration' };
const badAddress: Verdict = { outcome: 'bounced', reason: 'invalid_address' };
const transient: Verdict = { outcome: 'transient', reason: 'provider_transient', wait: {} };

/**
 * Read from the top; the first that matches decides. Statuses and codes: "FCM Error Codes" in the Firebase
 * documentation (REST v1, ErrorCode).
 */
const rules: Rule[] = [
  ['taken', ({ status }) => isWithin(status, 200), { outcome: 'sent' }],
  // FCM never redirects: whoever does is not FCM, and must not get the token.
  ['a redirect', ({ status }) => isWithin(status, 300), misconfigured],

  ['the app is gone from the device', (facts) => is(facts, 404, 'UNREGISTERED'), badAddress],
  ['the token is of another project', (facts) => is(facts, 403, 'SENDER_ID_MISMATCH'), badAddress],
  [
    // The quota is refilled each minute.
    'too many',
    ({ status }) => status === 429,
    { outcome: 'held', reason: 'provider_unavailable', wait: { defaultMs: 60_000 } },
  ],
  [
    // Of the project's key for APNs or Web Push: the devices of other platforms need not wait for it.
    'a third party refuses the project',
    ({ word }) => word === 'THIRD_PARTY_AUTH_ERROR',
    { outcome: 'transient', reason: 'provider_configuration', wait: {} },
  ],
  ['the credentials do not do', ({ status }) => status === 401 || status === 403, misconfigured],
  ['no such project, or not FCM', ({ status }) => status === 404, misconfigured],
  ['refused for good', ({ status }) => isWithin(status, 400), { outcome: 'rejected', reason: 'rejected' }],
  ['refused for now', () => true, transient],
];

/**
 * What a reply means for the message and the provider: DESIGN §7, row FCM v1. Pure. A 200 counts as sent even
 * when its body cannot be read: FCM says it only once it has taken the message, and to send again for want of
 * a name would make a copy.
 *
 * @param now milliseconds since the epoch, for a Retry-After that is a date
 */
export function classifyFcmReply({ status, headers, body }: Http2Reply, now: number): ProviderResult {
  const { word, text } = readFcmBody(body);
  const facts: Facts = { status, word };
  const [, , verdict] = rules.find(([, matches]) => matches(facts)) ?? ['', () => true, transient];
  const { wait, ...result } = verdict;
  const waitMs = wait && (retryAfterMs(headers['retry-after'], now) ?? wait.defaultMs);
  return {
    ...result,
    code: [status, word].filter(Boolean).join(' '),
    response: readable(text),
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
  };
}

/** Whether FCM wants another access token. It did not look at the message then. */
export function isTokenRefused({ status, body }: Http2Reply): boolean {
  // That one is about the project's certificate for APNs or its Web Push key; no other token would help.
  return status === 401 && readFcmBody(body).word !== 'THIRD_PARTY_AUTH_ERROR';
}

/** What it means that there was no reply. */
export function classifyHttp2Failure({ fate, code, message }: Http2Failure): ProviderResult {
  const response = readable(message);
  return fate === 'unknown'
    ? { outcome: 'ambiguous', reason: 'connection_lost', code, response }
    : { outcome: 'held', reason: 'provider_unavailable', code, response };
}

/** An access token could not be had. Its message holds neither key nor token. */
export class AccessTokenFailure extends Error {
  override readonly name = 'AccessTokenFailure';
  readonly reason: 'provider_unavailable' | 'provider_configuration';
  /** The token endpoint's own code, such as `400 invalid_grant`, or that of the network. */
  readonly code: string;

  constructor(reason: AccessTokenFailure['reason'], code: string, message: string) {
    super(message);
    this.reason = reason;
    this.code = code;
  }
}

/** Whose fault it is that the token endpoint answered so (RFC 6749 §5.2). */
export function blameForTokenReply(status: number): AccessTokenFailure['reason'] {
  const isOurs = status >= 300 && status < 500 && status !== 408 && status !== 429;
  return isOurs ? 'provider_configuration' : 'provider_unavailable';
}

/** Without an access token nothing was sent. */
export function classifyTokenFailure({ reason, code, message }: AccessTokenFailure): ProviderResult {
  return { outcome: 'held', reason, code, response: readable(message) };
}

function is({ status, word }: Facts, expectedStatus: number, expectedWord: string): boolean {
  return status === expectedStatus && word === expectedWord;
}

function isWithin(status: number, hundred: number): boolean {
  return status >= hundred && status < hundred + 100;
}

interface FcmBody {
  /** Of a message that was taken: `projects/…/messages/…`. */
  name?: unknown;
  error?: { status?: unknown; message?: unknown; details?: unknown };
}

/** Believes nothing about the body: a proxy, a captive portal or half of a reply may be what it is. */
function readFcmBody(body: string): { word: string; text: string } {
  const { name, error } = parseObject(body) as FcmBody;
  const details: unknown[] = Array.isArray(error?.details) ? error.details : [];
  const codes = details.map((detail) => (detail as { errorCode?: unknown } | null)?.errorCode);
  const text = [name, error?.message].find((one) => typeof one === 'string');
  return { word: [...codes, error?.status].find(isWord) ?? '', text: typeof text === 'string' ? text : body };
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Z_]{1,64}$/.test(value);
}
