import type { ProviderResult } from './provider.ts';
import { readable, withoutSecrets } from './readable.ts';

/**
 * How far a delivery had come. Tracked by us, for nodemailer reports the command `CONN` whenever a connection
 * is lost: `connect` until TCP (and, for smtps, TLS) stands; `greeting` until EHLO is answered; `tls` during
 * STARTTLS; `auth`; `envelope` until a byte of the message is taken; `body`; `handed_over` from the final dot.
 */
export type SmtpPhase = 'connect' | 'greeting' | 'tls' | 'auth' | 'envelope' | 'body' | 'handed_over';

/** What nodemailer's errors carry, and ours in its place, as far as the classification reads it. */
export interface SmtpFault extends Error {
  code?: string | undefined;
  /** The code of the error below, such as `ECONNREFUSED`. */
  originalCode?: string | undefined;
  command?: string | undefined;
  response?: string | undefined;
}

/** A fault of our own making, in nodemailer's words. */
export function smtpFault(
  code: string,
  message: string,
  heard: Pick<SmtpFault, 'command' | 'response'> = {},
): SmtpFault {
  return Object.assign(new Error(message), { code, ...heard });
}

/** A failed connection or delivery, with the phase it failed in. */
export class SmtpFailure extends Error {
  override readonly name = 'SmtpFailure';
  readonly phase: SmtpPhase;
  readonly error: SmtpFault;

  constructor(phase: SmtpPhase, error: SmtpFault) {
    super(error.message, { cause: error });
    this.phase = phase;
    this.error = error;
  }
}

interface Facts {
  phase: SmtpPhase;
  error: SmtpFault;
  /** The basic reply code (RFC 5321 §4.2), 0 without a legible refusal. */
  basic: number;
  /** The enhanced status code (RFC 3463), empty without one. */
  enhanced: string;
}

type Verdict = Pick<ProviderResult, 'outcome' | 'reason' | 'blame'>;
type Rule = [when: string, matches: (facts: Facts) => boolean, then: Verdict];

const unavailable: Verdict = { outcome: 'held', reason: 'provider_unavailable' };
const unavailableOrUnwilling: Verdict = { ...unavailable, blame: 'either' };
const misconfigured: Verdict = { outcome: 'held', reason: 'provider_configuration' };
const misconfiguredOrUnwilling: Verdict = { ...misconfigured, blame: 'either' };
const badAddress: Verdict = { outcome: 'bounced', reason: 'invalid_address' };
const rejected: Verdict = { outcome: 'rejected', reason: 'rejected' };
const transient: Verdict = { outcome: 'transient', reason: 'provider_transient' };

/** Read from the top; the first that matches decides. */
const rules: Rule[] = [
  ['the server cannot serve now', (f) => beforeEnvelope(f) && isClosing(f), unavailable],
  // Some servers say so to one message only, for its recipient or for what is in it.
  ['the server cannot serve now, or not this message', isClosing, unavailableOrUnwilling],
  ['it wants other credentials', ({ basic }) => [530, 534, 535].includes(basic), misconfigured],

  ['before the envelope: refused for now', (f) => beforeEnvelope(f) && isTemporary(f), unavailable],
  ['before the envelope: refused for good', (f) => beforeEnvelope(f) && isPermanent(f), misconfigured],
  ['before the envelope: an illegible reply', (f) => beforeEnvelope(f) && isGarbled(f), unavailable],
  ['TLS or AUTH is impossible', (f) => beforeEnvelope(f) && isTlsOrAuthFault(f), misconfigured],
  ['refused, unreachable, silent or lost', beforeEnvelope, unavailable],

  [
    'our address will not do as sender',
    (f) => isPermanent(f) && isOfMail(f) && isSenderCode(f),
    misconfigured,
  ],
  // Postfix keeps what it has against a sender until RCPT. A relay may pass on what one recipient's server says.
  [
    'our address, or so it seems',
    (f) => isPermanent(f) && senderCodes.has(f.enhanced),
    misconfiguredOrUnwilling,
  ],
  [
    'the address is no use',
    (f) => isPermanent(f) && isOfRecipient(f) && addressCodes.has(f.enhanced),
    badAddress,
  ],
  ['refused for good', isPermanent, rejected],
  ['refused for now', isTemporary, transient],
  ['never asked: our address is not legal', (f) => isLocal(f, 'EENVELOPE') && isOfMail(f), misconfigured],
  ['never asked: not a legal address', (f) => isLocal(f, 'EENVELOPE'), badAddress],
  ['never asked: over the announced SIZE', (f) => isLocal(f, 'EMESSAGE'), rejected],

  [
    'illegible after the final dot',
    (f) => wasHandedOver(f) && isGarbled(f),
    { outcome: 'ambiguous', reason: 'ambiguous' },
  ],
  ['an illegible reply', isGarbled, transient],
  ['lost after the final dot', wasHandedOver, { outcome: 'ambiguous', reason: 'connection_lost' }],
  ['lost mid-way', () => true, { outcome: 'transient', reason: 'connection_lost' }],
];

/** What a failure means for the message and the provider: DESIGN §7, row SMTP. Pure. */
export function classifySmtpFailure(
  { phase, error }: { phase: SmtpPhase; error: SmtpFault },
  secrets: readonly string[] = [],
): ProviderResult {
  const facts: Facts = { phase, error, ...codesOf(error.response ?? '') };
  const [, , verdict] = rules.find(([, matches]) => matches(facts)) ?? ['', () => true, transient];
  const { code = error.originalCode ?? error.code, response } = describeReply(
    error.response ?? error.message,
    secrets,
  );
  return { ...verdict, code, response };
}

/** The codes (`550 5.1.1`) and the `readable` text of a reply, without the secrets. */
export function describeReply(
  reply: string,
  secrets: readonly string[] = [],
): Pick<ProviderResult, 'code' | 'response'> {
  const match = replyCodes.exec(readable(reply));
  const code = match?.[1] && [match[1], match[2]].filter(Boolean).join(' ');
  return { code, response: readable(withoutSecrets(reply, secrets)) };
}

/** Whether a reply accepts: 2yz (RFC 5321 §4.2.1). */
export function isAcceptance(reply: string): boolean {
  return /^2\d\d(?:[ -]|$)/.test(reply);
}

/** Whether a reply refuses legibly: 4yz or 5yz. */
export function isRefusal(reply: string): boolean {
  return codesOf(reply).basic !== 0;
}

// The enhanced code follows the basic one on each line of a reply (RFC 2034 §4).
const replyCodes = /^([2-5]\d\d)(?:[ -]([245]\.\d{1,3}\.\d{1,3})(?=\s|$))?(?=[\s-]|$)/;

/**
 * The basic code says whether to try again (RFC 5321 §4.2.1). The enhanced one only refines it, so one of
 * another class (`450 5.1.1`) is passed over.
 */
function codesOf(reply: string): Pick<Facts, 'basic' | 'enhanced'> {
  const [, basic = '', enhanced = ''] = replyCodes.exec(reply.trim()) ?? [];
  if (!/^[45]/.test(basic)) return { basic: 0, enhanced: '' };
  return { basic: Number(basic), enhanced: enhanced[0] === basic[0] ? enhanced : '' };
}

/** Of a mailbox (RFC 3463 §3.2, §3.3): of the one that the command named. */
const addressCodes = new Set(['5.1.1', '5.1.2', '5.1.3', '5.1.6', '5.2.1']);

/** Of the sender's, whatever the command (RFC 3463 §3.2). */
const senderCodes = new Set(['5.1.7', '5.1.8']);

function isSenderCode({ enhanced }: Facts): boolean {
  return senderCodes.has(enhanced) || addressCodes.has(enhanced);
}

function isOfMail({ error }: Facts): boolean {
  return error.command === 'MAIL FROM';
}

function isOfRecipient({ phase, error }: Facts): boolean {
  return phase !== 'envelope' || error.command === 'RCPT TO';
}

function isPermanent({ basic }: Facts): boolean {
  return basic >= 500;
}

function isTemporary({ basic }: Facts): boolean {
  return basic >= 400 && basic < 500;
}

// 421 may answer any command (RFC 5321 §3.8); 454 is of STARTTLS and AUTH (RFC 3207 §4, RFC 4954 §6), and of others too.
function isClosing({ basic }: Facts): boolean {
  return basic === 421 || basic === 454;
}

function beforeEnvelope({ phase }: Facts): boolean {
  return ['connect', 'greeting', 'tls', 'auth'].includes(phase);
}

function wasHandedOver({ phase }: Facts): boolean {
  return phase === 'handed_over';
}

// EPROTOCOL without a response is a reply over the size limit.
function isGarbled({ error, basic }: Facts): boolean {
  return basic === 0 && (Boolean(error.response) || error.code === 'EPROTOCOL');
}

// Some envelopes are refused here, before anything is sent.
function isLocal({ error }: Facts, code: string): boolean {
  return error.code === code && !error.response;
}

function isTlsOrAuthFault({ phase, error }: Facts): boolean {
  if (error.code === 'ETLS' || error.code === 'EAUTH') return true;
  return error.code === 'ESOCKET' && phase !== 'auth' && isTlsCode(error.originalCode ?? '');
}

// A TLS failure carries OpenSSL's name (`CERT_HAS_EXPIRED`, `ERR_SSL_…`), a network failure an errno's.
function isTlsCode(code: string): boolean {
  return code === 'EPROTO' || (code !== '' && !/^(E[A-Z0-9]+|ERR_SOCKET_.*)$/.test(code));
}
