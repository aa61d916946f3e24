import { type Log, repeat } from '@tidings/runtime';

/** A message or a copy in hand, and the token it was claimed with. */
export interface Lease {
  id: string;
  token: string;
}

/** Keeps the leases of running sends alive. */
export interface LeaseKeeper {
  /** Runs `work` while the lease is renewed. */
  during<Result>(lease: Lease, work: () => Promise<Result>): Promise<Result>;
  stop(): Promise<void>;
}

/** Renews all leases of this process in one statement every `everyMs`. */
export function createLeaseKeeper(options: {
  renew: (options: { leases: Lease[]; leaseMs: number }) => Promise<string[]>;
  log: Log;
  leaseMs: number;
  everyMs: number;
}): LeaseKeeper {
  const { renew, log, leaseMs, everyMs } = options;
  const held = new Map<string, string>();
  const renewing = repeat({
    round: async () => {
      const leases = [...held].map(([id, token]) => ({ id, token }));
      if (leases.length === 0) return everyMs;
      const renewed = new Set(await renew({ leases, leaseMs }));
      const lost = leases.filter(({ id, token }) => !renewed.has(id) && held.get(id) === token);
      if (lost.length > 0) log.warn({ count: lost.length }, 'leases were lost while sending');
      return everyMs;
    },
    onError: (err) => log.warn({ err }, 'leases could not be renewed'),
    retryMs: Math.min(everyMs, 1000),
  });
  return {
    async during({ id, token }, work) {
      held.set(id, token);
      try {
        return await work();
      } finally {
        if (held.get(id) === token) held.delete(id);
      }
    },
    stop: () => renewing.stop(),
  };
}
