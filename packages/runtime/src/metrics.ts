import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** What Tidings counts. Labels hold names from the contracts only, never anything of a message or a person. */
export interface Metrics {
  registry: Registry;
  accepted: Counter<'lane'>;
  refused: Counter<'code'>;
  logins: Counter<'outcome'>;
  attempts: Counter<'channel' | 'outcome'>;
  ended: Counter<'channel' | 'status'>;
  malformedJobs: Counter<'queue'>;
  reenqueued: Counter<string>;
  workerRestarts: Counter<'queue'>;
  backlog: Gauge<'channel' | 'lane'>;
  window: Gauge<'channel' | 'lane'>;
}

/** One registry per process. `defaults` adds Node's own figures; leave it off where many live in one process. */
export function createMetrics(options: { defaults?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.defaults) collectDefaultMetrics({ register: registry });
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter<Label>({ name: `tidings_${name}`, help, labelNames, registers: [registry] });
  return {
    registry,
    accepted: counter('notifications_accepted_total', 'Notifications stored.', ['lane']),
    refused: counter('requests_refused_total', 'Requests answered with an error.', ['code']),
    logins: counter('logins_total', 'Logins of accounts: good, wrong, or shut out.', ['outcome']),
    attempts: counter('attempts_total', 'Attempts at a provider by outcome.', ['channel', 'outcome']),
    ended: counter('messages_ended_total', 'Messages that ended by status.', ['channel', 'status']),
    malformedJobs: counter('malformed_jobs_total', 'Jobs whose data was not ours.', ['queue']),
    reenqueued: counter('messages_reenqueued_total', 'Messages whose job the queue had lost.'),
    workerRestarts: counter('worker_restarts_total', 'Workers replaced by the watchdog.', ['queue']),
    backlog: new Gauge({
      name: 'tidings_backlog_messages',
      help: 'Messages in the window.',
      labelNames: ['channel', 'lane'],
      registers: [registry],
    }),
    window: new Gauge({
      name: 'tidings_window_messages',
      help: 'Messages that the window should hold at most, by the pace of the workers.',
      labelNames: ['channel', 'lane'],
      registers: [registry],
    }),
  };
}
