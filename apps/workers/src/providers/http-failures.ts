import type { HttpFailure, HttpReply } from './http-client.ts';
import type { ProviderResult } from './provider.ts';
import { readable, withoutSecrets } from './readable.ts';

/** A row of a provider's table: when it holds, how that is told, and what it means. */
export type Rule<Facts> = [when: string, matches: (facts: Facts) => boolean, then: Verdict];

export type Verdict = Pick<ProviderResult, 'outcome' | 'reason'> & {
  /** Whether what the provider says about when to come back is passed on. */
  wait?: true;
};

export const unavailable: Verdict = { outcome: 'held', reason: 'provider_unavailable', wait: true };
export const misconfigured: Verdict = { outcome: 'held', reason: 'provider_configuration' };
export const badAddress: Verdict = { outcome: 'bounced', reason: 'invalid_address' };
export const rejected: Verdict = { outcome: 'rejected', reason: 'rejected' };
export const transient: Verdict = { outcome: 'transient', reason: 'provider_transient', wait: true };
export const ambiguous: Verdict = { outcome: 'ambiguous', reason: 'ambiguous', wait: true };

/** The first rule that matches decides. */
export function decide<Facts>(rules: Rule<Facts>[], facts: Facts): Verdict {
  const found = rules.find(([, matches]) => matches(facts));
  return found?.[2] ?? transient;
}

export function isWithin(status: number, hundred: number): boolean {
  return status >= hundred && status < hundred + 100;
}

/** What it means that there was no reply, where a second copy of the request would be a second message. */
export function classifyHttpFailure({ fate, code, message, isTlsFault }: HttpFailure): ProviderResult {
  const response = readable(message);
  if (fate === 'unknown') return { outcome: 'ambiguous', reason: 'connection_lost', code, response };
  const reason = isTlsFault ? 'provider_configuration' : 'provider_unavailable';
  return { outcome: 'held', reason, code, response };
}

/** A reply without the key that we sent with the request. */
export function withoutSecret(reply: HttpReply, secret: string): HttpReply {
  return { ...reply, body: withoutSecrets(reply.body, [secret]) };
}

/** A header that comes once; the first where it came more often. */
export function headerOf({ headers }: HttpReply, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Believes nothing about a body: a proxy, a captive portal or half of a reply may be what it is. */
export function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
