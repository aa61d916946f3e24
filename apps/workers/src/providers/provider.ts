import type { AttemptOutcome, Lane, Platform, Reason, WebPushKeys } from '@tidings/contracts';

/** A file in an e-mail. */
export interface Attachment {
  filename: string;
  /** A media type, such as `application/pdf`. */
  contentType: string;
  /** Base64 (RFC 4648 §4), without line ends. */
  content: string;
  /** The HTML shows it as `cid:<contentId>`; without one it stands beside the text. */
  contentId?: string;
}

/** A rendered e-mail. At least one of html and text is there. */
export interface RenderedEmail {
  channel: 'email';
  subject: string;
  html?: string;
  text?: string;
  /** Mailboxes such as `Acme <help@acme.example>`. */
  replyTo?: readonly string[];
  /** Fields that are safe to set, by contract. */
  headers?: ReadonlyArray<{ name: string; value: string }>;
  attachments?: readonly Attachment[];
  /** What the provider counts it under, where it does. */
  tags?: readonly string[];
  /** Where a POST takes the recipient off the list (RFC 8058), for List-Unsubscribe. */
  unsubscribeUrl?: string;
}

/** A rendered push message. */
export interface RenderedPush {
  channel: 'push';
  title: string;
  body: string;
  /** What opens when it is tapped. */
  url?: string;
  /** What the app gets beside it. */
  data?: Readonly<Record<string, string>>;
}

/** What a provider is asked to hand over: one message to one address. */
export interface Delivery<Content extends RenderedEmail | RenderedPush = RenderedEmail | RenderedPush> {
  /** The identity of every copy: Message-ID, idempotency key and the like derive from it. */
  messageId: string;
  /** An e-mail address or a device token. */
  address: string;
  platform: Platform | null;
  /** Of a Web Push subscription (RFC 8291 §3.1); null for every other address. */
  keys?: WebPushKeys | null;
  /** How urgent it is, for providers that can be told. */
  lane?: Lane;
  /** Tries that failed and counted, before this one. */
  failures?: number;
  /** When it is of no use any more, in milliseconds since the epoch. */
  expiresAt?: number;
  toName: string | null;
  /** Milliseconds since the epoch, the same for every copy: when the message was first claimed. */
  date: number;
  content: Content;
}

/**
 * How an attempt went, in the words of DESIGN's table: `sent`; `transient` (try again later, counts against
 * the budget); `held` (the provider is unwell or throttles: wait for it, counts nothing); `rejected` (for
 * good); `bounced` (for good, and the address is no use); `ambiguous` (handed over in full, answer unknown).
 * `held` for the reason `provider_configuration` is a fault of ours that waiting does not mend: credentials, TLS.
 */
export interface ProviderResult {
  outcome: Exclude<AttemptOutcome, 'started' | 'lost'>;
  reason?: Reason;
  /**
   * Whose fault a failure is; `either`: nobody can tell from this one. Where it does not say, its outcome does: `held`,
   * lost connections and answers of a server in trouble are the provider's, the rest is the message's.
   */
  blame?: 'provider' | 'message' | 'either';
  /** The provider's own code, such as `550 5.1.1`. */
  code?: string;
  /** What the provider said. */
  response?: string;
  /** The provider's own id of what it took: what it names in its callbacks. */
  providerMessageId?: string;
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
