import { randomBytes } from 'node:crypto';
import type { Seal } from './seal.ts';

/** What the requests of a webhook are signed with (Standard Webhooks: `whsec_` and octets in base64). */
export interface SigningSecrets {
  current: string;
  /** The one before, which is used as well until then (milliseconds since the epoch). */
  previous?: { secret: string; until: number };
}

/** 32 random octets: Standard Webhooks wants 24 to 64. */
export function newSigningSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** Sealed for this subscription: they open for no other. */
export function sealSigningSecrets(seal: Seal, subscriptionId: string, secrets: SigningSecrets): string {
  return seal.seal(JSON.stringify(secrets), subscriptionId);
}

/** @throws SealError when they were sealed under a key that is not given, for another, or were changed. */
export function openSigningSecrets(seal: Seal, subscriptionId: string, sealed: string): SigningSecrets {
  return JSON.parse(seal.open(sealed, subscriptionId)) as SigningSecrets;
}

/** Those to sign with at a time (milliseconds since the epoch), the current one first. */
export function secretsInUse({ current, previous }: SigningSecrets, at: number): string[] {
  return previous !== undefined && at < previous.until ? [current, previous.secret] : [current];
}
