import type { AnyQueueName, ConsumerQueueName, JobData } from '@tidings/contracts';
import type { Job, Queue, Worker } from 'bullmq';

/** Jobs of messages and of copies differ in nothing but the id they name. */
export type DeliveryQueue = Queue<JobData, void, string>;
export type DeliveryJob = Job<JobData, void, string>;
export type DeliveryWorker = Worker<JobData, void, string>;

/** What a worker needs beyond what every worker of an engine has. */
export interface WorkerSettings {
  concurrency: number;
  /** Messages per second over all workers of the queue; undefined means no limit. */
  perSecond?: number;
  /** Milliseconds a job stays with a worker that no longer renews it. Default 60,000. */
  lockMs?: number;
  /** Milliseconds between looks for jobs of dead workers. Default 15,000. */
  stalledMs?: number;
  /** Milliseconds until the next try of a job that failed with this error. */
  backoff: (error: Error) => number;
}

/** A job taken by hand, and the token that it is held with until it is moved or removed. */
export interface TakenJob {
  job: DeliveryJob;
  token: string;
}

/** Takes jobs out of a queue by hand, for consumers that ask for them. */
export interface Taker {
  /**
   * The next jobs that are due, `limit` at most; none is no error. Each is held for 60 seconds: whoever takes it moves
   * it by then, or it goes back. Rejects within about two seconds while the engine is away.
   */
  take(limit: number): Promise<TakenJob[]>;
  /** Lets a job that waits for its time wait for so long from now. Rejects where there is no such job. */
  putOff(jobId: string, delayMs: number): Promise<void>;
  /** Forgets a job that nobody holds, if there is such a job. */
  remove(jobId: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Where BullMQ keeps its jobs. Whatever it keeps may be lost at any time: SQL is the record.
 *
 * Producers fail fast (a second or two) while the engine is away; workers wait and go on by themselves.
 */
export interface QueueEngine {
  /** One line for the start log: what runs and how to get something faster. */
  readonly description: string;
  /** The queue of this name, opened at the first call. It needs no connection of its own. */
  queue(name: AnyQueueName): DeliveryQueue;
  /**
   * A new worker, not yet running: call `run()`. Errors are logged, never thrown. Once closed it has left no
   * connection behind.
   */
  worker(
    name: AnyQueueName,
    process: (job: DeliveryJob, token: string | undefined) => Promise<void>,
    settings: WorkerSettings,
  ): DeliveryWorker;
  /** A new taker. It also puts back the jobs of takers that died. */
  taker(name: ConsumerQueueName): Taker;
  /**
   * A counter that the engine keeps beside its jobs and loses with them. `read` answers 0 when there is
   * none; `raise` adds one and answers the new value.
   */
  readonly sequence: { read(): Promise<number>; raise(): Promise<number>; set(value: number): Promise<void> };
  /** Resolves while the engine answers, rejects within about two seconds while it does not. */
  ping(): Promise<void>;
  /**
   * What in the server's settings could lose jobs that it has taken: one sentence for each fault, which also
   * says how to mend it. Rejects like `ping` while the server is away.
   */
  settingFaults(): Promise<string[]>;
  close(): Promise<void>;
}
