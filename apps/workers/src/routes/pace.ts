/**
 * Spreads sends over time: a generic cell rate algorithm (ITU-T I.371, annex A), which needs no timer. Who comes too
 * early is given a time of its own and finds its place kept. A tenth of a second's sends may go at once, so that it
 * does not matter that claims come in batches.
 */
export interface Pace {
  /**
   * Takes a place for a message and answers 0; or the milliseconds until it is to come again. Urgent ones go before
   * all others, which are the slower for it.
   */
  take(messageId: string, options: { isUrgent: boolean }): number;
  /** How many more messages it is worth to have ask. */
  room(): number;
}

/** Places are kept no longer ahead: who comes later is told to ask again. Milliseconds. */
const horizonMs = 2000;

/**
 * Who comes later than this for its place has missed it, for after a pause all would go at once: it goes where sends
 * left room in fact, and is given another place elsewhere. Milliseconds.
 */
const lateMs = 250;

/** A kept place that nobody came for is forgotten. Milliseconds. */
const forgottenMs = 20_000;

export function createPace(perSecond: number, now: () => number = () => performance.now()): Pace {
  const everyMs = 1000 / perSecond;
  const burstMs = Math.max(100 - everyMs, 0);
  const aheadMs = Math.max(horizonMs, everyMs);
  /** When the next place is. */
  let nextAt = 0;
  let urgentAt = 0;
  /** When the next place would be had it been given to nobody but those that went. */
  let wentAt = 0;
  const kept = new Map<string, number>();

  function forget(): void {
    const limit = now() - forgottenMs;
    for (const [id, at] of kept) {
      if (at >= limit) return;
      kept.delete(id);
    }
  }

  function go(at: number): 0 {
    wentAt = Math.max(wentAt, at) + everyMs;
    return 0;
  }

  return {
    take(messageId, { isUrgent }) {
      const at = now();
      const keptAt = kept.get(messageId);
      if (keptAt !== undefined) {
        if (keptAt - burstMs > at) return keptAt - at;
        kept.delete(messageId);
        if (at - keptAt < lateMs || wentAt - burstMs <= at) return go(at);
      }
      const place = Math.max(isUrgent ? urgentAt : nextAt, at);
      if (place - at > aheadMs) return aheadMs;
      nextAt = Math.max(nextAt, at) + everyMs;
      if (isUrgent) urgentAt = place + everyMs;
      if (place - burstMs <= at) return go(at);
      forget();
      kept.set(messageId, place);
      return place - at;
    },
    room() {
      forget();
      return Math.max(0, Math.ceil((aheadMs / 1000) * perSecond) - kept.size);
    },
  };
}
