import {
  CircuitState,
  circuitBreaker,
  handleWhenResult,
  type IBackoff,
  type IBreaker,
  type IHalfOpenAfterBackoffContext,
  isBrokenCircuitError,
} from 'cockatiel';
import type { Provider, ProviderResult } from '../providers/provider.ts';

export const healthStates = ['closed', 'half_open', 'open'] as const;
export type HealthState = (typeof healthStates)[number];

/**
 * What is known of a provider's health, in one process: a circuit breaker (Nygard, "Release It!", ch. 5). Open,
 * nothing is sent; after a while one probe, which sends nothing either, finds out for everybody. So an outage costs
 * no message more than the attempt that noticed it.
 */
export interface Health {
  readonly state: HealthState;
  /** Milliseconds until it is asked again; 0 while it is well. */
  waitMs(): number;
  /** What it said when it was last unwell. */
  readonly fault: ProviderResult | undefined;
  /** Sends and takes note of how it went; `held` without sending unless the state is closed. */
  run(send: () => Promise<ProviderResult>): Promise<ProviderResult>;
  stop(): void;
}

export interface HealthOptions {
  provider: Pick<Provider, 'probe'>;
  /** Signs in a row that open it; a provider that turns a message away opens it at once. */
  signs?: number;
  /** How long it stays open, at first and at most. Milliseconds. */
  baseMs?: number;
  capMs?: number;
  onChange?: (state: HealthState, fault: ProviderResult | undefined) => void;
}

/** A provider may ask for more than `capMs`, but not for ever. Milliseconds. */
const longestAsked = 3_600_000;

export function createHealth(options: HealthOptions): Health {
  const { provider, signs = 5, baseMs = 1000, capMs = 15_000, onChange } = options;
  let inARow = 0;
  /** Times it opened since a message was last sent: a probe may find well what then fails again. */
  let strikes = 0;
  let until = 0;
  let fault: ProviderResult | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  const counter: IBreaker = {
    state: undefined,
    success: () => {
      inARow = 0;
    },
    failure: () => {
      inARow += 1;
      return inARow >= signs;
    },
  };
  const policy = circuitBreaker(
    handleWhenResult((result) => isSign(result as ProviderResult)),
    {
      breaker: counter,
      halfOpenAfter: { next: waitAfter },
    },
  );
  policy.onBreak((broken) => {
    const result = 'value' in broken ? (broken.value as ProviderResult) : undefined;
    // A probe says no more than that it is still unwell.
    if (result?.reason !== undefined) fault = result;
  });
  policy.onStateChange((state) => onChange?.(nameOf(state), fault));

  /** Longer each time in a row, or as long as the provider asked; then it is probed. */
  function waitAfter({ result }: IHalfOpenAfterBackoffContext): IBackoff<IHalfOpenAfterBackoffContext> {
    strikes += 1;
    const { retryAfterMs = 0 } = ('value' in result ? result.value : {}) as Partial<ProviderResult>;
    const waitMs = Math.max(
      Math.min(capMs, baseMs * 2 ** Math.min(strikes - 1, 20)),
      Math.min(retryAfterMs, longestAsked),
    );
    until = performance.now() + waitMs;
    askIn(waitMs);
    return { duration: waitMs, next: waitAfter };
  }

  function askIn(waitMs: number): void {
    clearTimeout(timer);
    if (!isStopped) timer = setTimeout(probe, waitMs);
  }

  async function probe(): Promise<void> {
    await policy
      .execute(async (): Promise<ProviderResult> => {
        const isWell = await provider.probe().catch(() => false);
        return isWell ? { outcome: 'sent' } : { outcome: 'held' };
      })
      // By the breaker's clock it is not time yet.
      .catch(() => askIn(10));
  }

  return {
    get state() {
      return nameOf(policy.state);
    },
    get fault() {
      return policy.state === CircuitState.Closed ? undefined : fault;
    },
    waitMs: () =>
      policy.state === CircuitState.Closed ? 0 : Math.max(1, Math.ceil(until - performance.now())),
    run: (send) =>
      policy
        .execute(async () => {
          const result = await send();
          if (result.outcome === 'held') inARow = signs;
          if (result.outcome === 'sent') strikes = 0;
          return result;
        })
        .catch((error): ProviderResult => {
          if (!isBrokenCircuitError(error)) throw error;
          return { outcome: 'held', reason: 'provider_unavailable' };
        }),
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

/**
 * Is it the provider that is unwell, rather than one message that it does not like? What SMTP answers for a while has
 * codes of 4yz and is about the message; a 5xx of HTTP is about the server (RFC 9110 §15.6).
 */
function isSign({ outcome, reason, code = '' }: ProviderResult): boolean {
  if (outcome === 'held') return true;
  if (outcome !== 'transient' && outcome !== 'ambiguous') return false;
  return reason === 'connection_lost' || code.startsWith('5');
}

function nameOf(state: CircuitState): HealthState {
  if (state === CircuitState.Closed) return 'closed';
  return state === CircuitState.HalfOpen ? 'half_open' : 'open';
}
