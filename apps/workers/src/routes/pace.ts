/**
 * Spreads sends over time: a generic cell rate algorithm (ITU-T I.371, annex A), which needs no timer. A tenth of a
 * second's sends may go at once, so that it does not matter that claims come in batches.
 */
export interface Pace {
  /** Takes a place and answers 0; or the milliseconds until it is worth asking again, and nothing is taken. */
  take(): number;
}

export function createPace(perSecond: number, now: () => number = () => performance.now()): Pace {
  const everyMs = 1000 / perSecond;
  const burstMs = Math.max(100 - everyMs, 0);
  /** When the next one is due if none came early. */
  let dueAt = 0;
  /** Until when those who came too early were told to wait, one after the other. */
  let toldUntil = 0;
  return {
    take() {
      const at = now();
      if (dueAt - burstMs <= at) {
        dueAt = Math.max(dueAt, at) + everyMs;
        return 0;
      }
      toldUntil = Math.max(toldUntil, dueAt - burstMs) + everyMs;
      return toldUntil - everyMs - at;
    },
  };
}
