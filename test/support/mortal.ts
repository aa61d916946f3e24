import type { Store } from '@tidings/db';
import type { DeliveryWorker, QueueEngine } from '@tidings/queue';

/** What a process works with, until it is killed. */
export interface Mortal {
  store: Store;
  engine: QueueEngine;
  /** Nothing that is asked from now on happens, and no answer still to come arrives: as after SIGKILL. */
  kill(): Promise<void>;
}

/** Record and queue as one process sees them, which several in a test share. */
export function mortal(shared: { store: Store; engine: QueueEngine }): Mortal {
  let dead = false;
  const workers: DeliveryWorker[] = [];
  const underway = new Set<Promise<unknown>>();
  const never = new Promise<never>(() => {});

  function guarded<Target extends object>(target: Target): Target {
    return new Proxy(target, {
      get(_, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (dead) return never;
          const result: unknown = Reflect.apply(value, target, args);
          if (!(result instanceof Promise)) return result;
          underway.add(result);
          const forget = () => underway.delete(result);
          result.then(forget, forget);
          return result.then(orNever, orNeverFail);
        };
      },
    });
  }
  const orNever = <Value>(value: Value) => (dead ? never : value);
  const orNeverFail = (error: unknown) => (dead ? never : Promise.reject(error));

  const { store, engine } = shared;
  return {
    store: guarded(store),
    engine: {
      ...guarded(engine),
      description: engine.description,
      queue: (name) => guarded(engine.queue(name)),
      worker: (name, process, settings) => {
        const worker = engine.worker(name, process, settings);
        workers.push(worker);
        return worker;
      },
      sequence: guarded(engine.sequence),
      ping: () => (dead ? never : engine.ping()),
    },
    kill: async () => {
      dead = true;
      // What was already on its way to the servers arrives there.
      await Promise.allSettled(underway);
      await Promise.all(workers.map((worker) => worker.close(true)));
    },
  };
}
