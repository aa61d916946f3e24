import { defaultMaxBodyBytes, receiveProviderEvents, TidingsError } from '@tidings/contracts';
import type { Metrics } from '@tidings/runtime';
import { readJsonBytes } from '../http/body.ts';
import { parseForeignJson } from '../http/json.ts';
import { invalidRequest } from '../http/problem.ts';
import type { FindEventSource } from './event-source.ts';
import type { RecordFeedback } from './record-feedback.ts';

/** Takes what a provider's webhook posts; resolves once it is on record. */
export type ReceiveProviderEvents = (request: Request, provider: string) => Promise<void>;

/**
 * What costs is done only for whoever has proved who it is: without the header of a proof the body is not read, and
 * until its signature is found good it is octets. What is told of unknown messages, or is nothing that is kept, is
 * counted and taken: a provider would post it again otherwise.
 *
 * @throws TidingsError as `receiveProviderEvents` declares; whatever the record throws, so that the provider tries again
 */
export function createReceiveProviderEvents(options: {
  findSource: FindEventSource;
  recordFeedback: RecordFeedback;
  metrics: Pick<Metrics, 'feedback'>;
  /** Milliseconds since the epoch. */
  now?: () => number;
}): ReceiveProviderEvents {
  const { findSource, recordFeedback, metrics, now = Date.now } = options;
  return async (request, provider) => {
    const { headers } = request;
    const parsed = receiveProviderEvents.params.safeParse({ provider });
    if (!parsed.success) throw invalidRequest(parsed.error);
    const source = await findSource(parsed.data.provider);
    if (source === undefined) throw new TidingsError('not_found');
    const [, scheme] = [...source.schemes].find(([header]) => headers.has(header)) ?? [];
    if (scheme === undefined) throw new TidingsError('invalid_signature');
    const body = await readJsonBytes(request, defaultMaxBodyBytes);
    if (!scheme.isSigned(headers, body, now())) throw new TidingsError('invalid_signature');
    const { feedback, ignored } = scheme.read(parseForeignJson(body), headers);
    const { name, kind, projectId } = source;
    await recordFeedback(feedback, { projectId, source: name, kind });
    if (ignored > 0) metrics.feedback.inc({ type: 'other', source: kind, result: 'ignored' }, ignored);
  };
}
