import { withDeadline } from '@tidings/runtime';
import type { Provider, ProviderResult } from '../providers/provider.ts';

export const healthStates = ['closed', 'half_open', 'open'] as const;
export type HealthState = (typeof healthStates)[number];

/**
 * What is known of a provider's health, in one process: a circuit breaker (Nygard, "Release It!", ch. 5). Open,
 * nothing is sent; after a while one probe, which sends nothing either, finds out for everybody. A provider whose probe
 * is good is on trial: it gets one message at a time until it has answered one, for it may be well only when asked. So
 * an outage costs each message no more than the attempt that noticed it.
 */
export interface Health {
  readonly state: HealthState;
  /** What it said when it was last unwell. */
  readonly fault: ProviderResult | undefined;
  /** Milliseconds until it is worth asking again; 0 while it takes any number. */
  waitMs(): number;
  /** May a message be handed over? On trial, whoever is told yes has the only place. */
  admits(): boolean;
  /**
   * Sends a message and takes note of how it went; `held` without sending unless the state is closed. What is said to
   * one message again and again, while others go out, is called a failure of the message.
   */
  run(messageId: string, send: () => Promise<ProviderResult>): Promise<ProviderResult>;
  stop(): void;
}

export interface HealthOptions {
  provider: Pick<Provider, 'probe'>;
  /** Signs in a row that open it; a provider that turns a message away opens it at once. */
  signs?: number;
  /** How long it stays open, at first and at most. Milliseconds. */
  baseMs?: number;
  capMs?: number;
  /** For how long a probe is waited for. Milliseconds. */
  probeMs?: number;
  onChange?: (state: HealthState, fault: ProviderResult | undefined) => void;
}

/** A provider may ask for more than `capMs`, but not for ever. Milliseconds. */
const longestAsked = 3_600_000;

/** For how long the place of a trial is kept for a message that does not come. Milliseconds. */
const trialMs = 5000;

const suspectsAtMost = 1000;

export function createHealth(options: HealthOptions): Health {
  const { provider, signs = 5, baseMs = 1000, capMs = 15_000, probeMs = 10_000, onChange } = options;
  const patienceMs = Math.min(baseMs, 1000);
  let state: HealthState = 'closed';
  /** Counts openings: what began before one says nothing of what comes after it. */
  let era = 0;
  let inARow = 0;
  /** Times it opened since it last answered a message. */
  let strikes = 0;
  let isOnTrial = false;
  let trialTakenUntil = 0;
  let until = 0;
  let fault: ProviderResult | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  /** Messages answered so far. */
  let answered = 0;
  /** Messages that were turned away in the middle, and what was answered by then. */
  const suspects = new Map<string, number>();

  function become(next: HealthState): void {
    state = next;
    if (!isStopped) onChange?.(next, fault);
  }

  /** Longer each time in a row, or as long as the provider asked. */
  function open(result?: ProviderResult): void {
    era += 1;
    strikes += 1;
    inARow = 0;
    isOnTrial = false;
    fault = result ?? fault;
    const waitMs = Math.max(
      Math.min(capMs, baseMs * 2 ** Math.min(strikes - 1, 20)),
      Math.min(result?.retryAfterMs ?? 0, longestAsked),
    );
    until = performance.now() + waitMs;
    clearTimeout(timer);
    if (!isStopped) timer = setTimeout(probe, waitMs);
    become('open');
  }

  async function probe(): Promise<void> {
    become('half_open');
    let isWell = false;
    const asking = async () => {
      isWell = await provider.probe().catch(() => false);
    };
    await withDeadline(
      asking().catch(() => {}),
      probeMs,
    );
    if (isStopped) return;
    if (!isWell) return open();
    isOnTrial = true;
    trialTakenUntil = 0;
    fault = undefined;
    become('closed');
  }

  /** It answered: it is well, whatever it said of that message. */
  function note(isSign: boolean, result: ProviderResult): void {
    if (isSign) {
      inARow += 1;
      const isCertain = result.outcome === 'held' || (result.retryAfterMs ?? 0) > 0;
      if (isCertain || isOnTrial || inARow >= signs) open(result);
      return;
    }
    answered += 1;
    inARow = 0;
    strikes = 0;
    isOnTrial = false;
  }

  /** Was this message turned away before, and others answered since? */
  function isSuspect(messageId: string): boolean {
    const before = suspects.get(messageId);
    if (before !== undefined && before < answered) return true;
    if (suspects.size >= suspectsAtMost) suspects.clear();
    suspects.set(messageId, answered);
    return false;
  }

  return {
    get state() {
      return state;
    },
    get fault() {
      return fault;
    },
    waitMs() {
      if (state === 'closed') return isOnTrial && performance.now() < trialTakenUntil ? patienceMs : 0;
      return Math.ceil(Math.max(until - performance.now(), patienceMs));
    },
    admits() {
      if (state !== 'closed') return false;
      if (!isOnTrial) return true;
      if (performance.now() < trialTakenUntil) return false;
      trialTakenUntil = performance.now() + trialMs;
      return true;
    },
    async run(messageId, send) {
      if (state !== 'closed') return { outcome: 'held', reason: 'provider_unavailable' };
      const began = era;
      const result = await send();
      const isOfMessage = result.outcome === 'held' && result.blame === 'either' && isSuspect(messageId);
      if (began === era && state === 'closed') note(isSignOf(result) && !isOfMessage, result);
      return isOfMessage ? { ...result, outcome: 'transient', reason: 'provider_transient' } : result;
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

/**
 * Is it the provider that is unwell, rather than one message that it does not like? What SMTP answers for a while has
 * codes of 4yz and is about the message; a 5xx of HTTP is about the server (RFC 9110 §15.6).
 */
function isSignOf({ outcome, reason, code = '', blame }: ProviderResult): boolean {
  if (blame === 'message') return false;
  if (outcome === 'held') return true;
  if (outcome !== 'transient' && outcome !== 'ambiguous') return false;
  return reason === 'connection_lost' || code.startsWith('5');
}
