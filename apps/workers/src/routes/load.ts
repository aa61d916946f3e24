/**
 * How much a provider has in hand in this process, and how fast it is rid of it. A worker's places are shared: one that
 * is slow, or has few connections, would keep them all from the providers of other projects.
 */
export interface Load {
  /** Takes a place if the provider has no more in hand than it gets done in a second. */
  take(): boolean;
  /** How many messages may wait for it in the queue: what it gets done in two seconds. */
  room(): number;
  run<Result>(send: () => Promise<Result>): Promise<Result>;
  /** Resolves once nothing is in hand. */
  idle(): Promise<void>;
}

/** What is always allowed, so that a provider nothing is known of gets going. */
const atLeast = 32;
const measureMs = 250;

export function createLoad(now: () => number = () => performance.now()): Load {
  let inHand = 0;
  /** Places that were taken lately by messages that are not in hand yet. */
  let taken = 0;
  let perSecond = 0;
  let ended = 0;
  let since = now();
  const whenIdle: Array<() => void> = [];

  function measure(): void {
    const passedMs = now() - since;
    if (passedMs < measureMs) return;
    const rate = (ended * 1000) / passedMs;
    // Faster is believed at once, slower after a while.
    perSecond = Math.max(rate, (perSecond + rate) / 2);
    ended = 0;
    // Who has not come by now does not come.
    taken = 0;
    since = now();
  }

  return {
    take() {
      measure();
      if (inHand + taken >= Math.max(atLeast, perSecond)) return false;
      taken += 1;
      return true;
    },
    room() {
      measure();
      return Math.ceil(2 * Math.max(atLeast, perSecond));
    },
    async run(send) {
      taken = Math.max(0, taken - 1);
      inHand += 1;
      try {
        return await send();
      } finally {
        inHand -= 1;
        ended += 1;
        if (inHand === 0) for (const tell of whenIdle.splice(0)) tell();
      }
    },
    idle: () => (inHand === 0 ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve))),
  };
}
