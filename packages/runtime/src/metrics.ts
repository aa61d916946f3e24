import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** What Tidings counts. Labels hold names from the contracts and ids of providers only, never anything of
 * a message or a person. */
export interface Metrics {
  registry: Registry;
  accepted: Counter<'lane'>;
  published: Counter<string>;
  refused: Counter<'code'>;
  logins: Counter<'outcome'>;
  attempts: Counter<'channel' | 'outcome'>;
  ended: Counter<'channel' | 'status'>;
  feedback: Counter<'type' | 'source' | 'result'>;
  eventsFannedOut: Counter<string>;
  copyAttempts: Counter<'kind' | 'outcome'>;
  copiesEnded: Counter<'kind' | 'status'>;
  copiesInQueue: Gauge<'kind'>;
  subscriptionsBehind: Gauge<'kind'>;
  malformedJobs: Counter<'queue'>;
  reenqueued: Counter<string>;
  copiesReenqueued: Counter<string>;
  workerRestarts: Counter<'queue'>;
  backlog: Gauge<'channel' | 'lane'>;
  window: Gauge<'channel' | 'lane'>;
  unwell: Gauge<'provider'>;
  providerFaults: Counter<'provider' | 'reason'>;
}

/** One registry per process. `defaults` adds Node's own figures; leave it off where many live in one process. */
export function createMetrics(options: { defaults?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.defaults) collectDefaultMetrics({ register: registry });
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter<Label>({ name: `tidings_${name}`, help, labelNames, registers: [registry] });
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Gauge<Label>({ name: `tidings_${name}`, help, labelNames, registers: [registry] });
  return {
    registry,
    accepted: counter('notifications_accepted_total', 'Notifications stored.', ['lane']),
    published: counter('events_published_total', 'Events that applications published, stored.'),
    refused: counter('requests_refused_total', 'Requests answered with an error.', ['code']),
    logins: counter('logins_total', 'Logins of accounts: good, wrong, or shut out.', ['outcome']),
    attempts: counter('attempts_total', 'Attempts at a provider by outcome.', ['channel', 'outcome']),
    ended: counter('messages_ended_total', 'Messages that ended by status.', ['channel', 'status']),
    feedback: counter('feedback_total', 'What was told of messages after they were handed over.', [
      'type',
      'source',
      'result',
    ]),
    eventsFannedOut: counter('events_fanned_out_total', 'Events that were given to their consumers.'),
    copyAttempts: counter('copy_attempts_total', 'Tries to hand over copies of events by outcome.', [
      'kind',
      'outcome',
    ]),
    copiesEnded: counter('copies_ended_total', 'Copies of events that ended by status.', ['kind', 'status']),
    copiesInQueue: gauge('copies_in_queue', 'Due copies of events that have a job.', ['kind']),
    subscriptionsBehind: gauge('subscriptions_behind', 'Subscriptions whose due copies wait in SQL.', [
      'kind',
    ]),
    malformedJobs: counter('malformed_jobs_total', 'Jobs whose data was not ours.', ['queue']),
    reenqueued: counter('messages_reenqueued_total', 'Messages whose job the queue had lost.'),
    copiesReenqueued: counter('copies_reenqueued_total', 'Copies of events whose job the queue had lost.'),
    workerRestarts: counter('worker_restarts_total', 'Workers replaced by the watchdog.', ['queue']),
    backlog: gauge('backlog_messages', 'Messages in the window.', ['channel', 'lane']),
    window: gauge(
      'window_messages',
      'Messages that the window should hold at most, by the pace of the workers.',
      ['channel', 'lane'],
    ),
    unwell: gauge('provider_unwell', '1 for each provider that nothing is sent by for now.', ['provider']),
    providerFaults: counter('provider_faults_total', 'Times a provider became unwell.', [
      'provider',
      'reason',
    ]),
  };
}
