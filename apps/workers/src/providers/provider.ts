import type { AttemptOutcome, Platform, Reason } from '@tidings/contracts';

/** A rendered e-mail. At least one of html and text is there. */
export interface RenderedEmail {
  channel: 'email';
  subject: string;
  html?: string;
  text?: string;
}

/** A rendered push message. */
export interface RenderedPush {
  channel: 'push';
  title: string;
  body: string;
}

/** What a provider is asked to hand over: one message to one address. */
export interface Delivery<Content extends RenderedEmail | RenderedPush = RenderedEmail | RenderedPush> {
  /** The identity of every copy: Message-ID, idempotency key and the like derive from it. */
  messageId: string;
  /** An e-mail address or a device token. */
  address: string;
  platform: Platform | null;
  toName: string | null;
  /** Milliseconds since the epoch, the same for every copy: when the message was first claimed. */
  date: number;
  content: Content;
}

/**
 * How an attempt went, in the words of DESIGN's table: `sent`; `transient` (try again later, counts against
 * the budget); `held` (the provider is unwell or throttles: wait for it, counts nothing); `rejected` (for
 * good); `bounced` (for good, and the address is no use); `ambiguous` (handed over in full, answer unknown).
 */
export interface ProviderResult {
  outcome: Exclude<AttemptOutcome, 'started' | 'lost'>;
  reason?: Reason;
  /** The provider's own code, such as `550 5.1.1`. */
  code?: string;
  /** What the provider said. */
  response?: string;
  /** How long the provider asked to be left alone, in milliseconds. */
  retryAfterMs?: number;
}

/** Hands messages to the outside. Whatever the provider does is a result; a throw is a bug. */
export interface Provider<Content extends RenderedEmail | RenderedPush = RenderedEmail | RenderedPush> {
  readonly name: string;
  /** The platforms whose devices it reaches; all of them when it does not say. */
  readonly platforms?: readonly Platform[];
  send(delivery: Delivery<Content>): Promise<ProviderResult>;
  /** Is the provider reachable? Asked before a held queue moves again; sends nothing. */
  probe(): Promise<boolean>;
  close(): Promise<void>;
}
