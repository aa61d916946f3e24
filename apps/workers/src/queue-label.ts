import { type AnyQueueName, queueNames } from '@tidings/contracts';

/** A queue's name in the metrics. Those of consumers share one, since there may be any number of them. */
export function queueLabel(name: AnyQueueName): string {
  return queueNames.find((known) => known === name) ?? 'consumers';
}
