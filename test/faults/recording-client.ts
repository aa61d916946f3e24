import { createHash, randomUUID } from 'node:crypto';
import { until } from '../support/until.ts';
import type { ClientRequest } from './history.ts';

/** A client over REST that writes down what it asked and what it was told. */
export interface RecordingClient {
  readonly requests: ClientRequest[];
  /** Asks once under this key. Without an answer within five seconds, or as long as was said, the status is undefined. */
  send(key: string, body?: object): Promise<ClientRequest>;
  /** Asks under this key, and again after a second without a 2xx, until there is one. */
  sendSurely(key: string, body?: object, timeoutMs?: number): Promise<ClientRequest>;
}

/** `urlOf` is asked each time: an API that was started again may have another port. */
export function createRecordingClient(options: {
  urlOf: () => string | undefined;
  apiKey: string;
  answerWithinMs?: number;
}): RecordingClient {
  const { urlOf, apiKey, answerWithinMs = 5000 } = options;
  const requests: ClientRequest[] = [];

  type Answer = Pick<ClientRequest, 'status' | 'retryAfter'> & { body: string };

  async function ask(key: string, text: string): Promise<Answer> {
    const response = await fetch(`${urlOf()}/v1/notifications`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'application/json',
        'idempotency-key': key,
      },
      body: text,
      signal: AbortSignal.timeout(answerWithinMs),
    });
    const retryAfter = response.headers.get('retry-after');
    return { status: response.status, retryAfter, body: await response.text() };
  }

  async function send(key: string, body: object = emailTo(key)): Promise<ClientRequest> {
    const text = JSON.stringify(body);
    const at = Date.now();
    const answer = await ask(key, text).catch((): Answer => ({ status: undefined, body: '{}' }));
    const { id, messages = [] } = JSON.parse(answer.body) as {
      id?: string;
      messages?: Array<{ id: string }>;
    };
    const request: ClientRequest = {
      key,
      bodyHash: createHash('sha256').update(text).digest('hex'),
      status: answer.status,
      retryAfter: answer.retryAfter,
      notificationId: id,
      messageIds: messages.map((message) => message.id),
      at,
    };
    requests.push(request);
    return request;
  }

  return {
    requests,
    send,
    sendSurely: (key, body, timeoutMs = 60_000) =>
      until(
        () => send(key, body),
        ({ status }) => status === 202,
        timeoutMs,
      ),
  };
}

/** A small e-mail to an address of its own. */
export function emailTo(name: string, more: object = {}): object {
  return {
    to: { email: `${name}@example.com` },
    content: { email: { subject: 'Hello', text: 'Hello' } },
    ...more,
  };
}

/** A small push to a device of its own. */
export function pushTo(name: string, more: object = {}): object {
  return {
    to: { device: { platform: 'fcm', token: name } },
    content: { push: { title: 'Hello', body: 'Hello' } },
    ...more,
  };
}

/** Keys nobody used before. */
export function freshKeys(count: number): string[] {
  const run = randomUUID().slice(0, 8);
  return Array.from({ length: count }, (_, index) => `${run}-${index}`);
}
