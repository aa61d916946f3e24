/**
 * How much a provider has in hand in this process, and how fast it is rid of it. A worker's places are shared: one that
 * is slow, or has few connections, would keep them all from the providers of other projects.
 */
export interface Load {
  /** Takes a place if the provider has no more in hand than it gets done in two seconds. */
  take(): boolean;
  /** How many messages may wait for it in the queue: as many again. */
  room(): number;
  run<Result>(send: () => Promise<Result>): Promise<Result>;
  /** Resolves once nothing is in hand. */
  idle(): Promise<void>;
}

/** What is always allowed: as much as a provider may have connections, so that a slow one can use all of them. */
const atLeast = 64;
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
    perSecond = Math.max(rate, 0.8 * perSecond + 0.2 * rate);
    ended = 0;
    // Who has not come by now does not come.
    taken = 0;
    since = now();
  }

  const most = () => Math.max(atLeast, 2 * perSecond);

  return {
    take() {
      measure();
      if (inHand + taken >= most()) return false;
      taken += 1;
      return true;
    },
    room() {
      measure();
      return Math.ceil(2 * most());
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
