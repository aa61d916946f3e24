import type { Tidings } from '@tidings/client';
import { until } from './until.ts';

const atOnce = 1000;

/** Sends `count` small e-mails, each to an address of its own, and answers the ids of their messages. */
export async function sendMany(tidings: Tidings, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const items = Array.from({ length: Math.min(atOnce, count - ids.length) }, (_, index) => ({
      to: { email: `user${ids.length + index}@example.com` },
      content: { email: { subject: 'Hello', text: 'Hello' } },
    }));
    const { items: results } = await tidings.notifications.sendMany.mutate({ items });
    const sent = results.flatMap((result) => ('messages' in result ? result.messages : []));
    if (sent.length < items.length) throw new Error(`not all were accepted: ${JSON.stringify(results)}`);
    ids.push(...sent.map(({ id }) => id));
  }
  return ids;
}

/** Resolves when no notification is open any more. */
export async function allEnded(tidings: Tidings, timeoutMs: number): Promise<void> {
  for (const status of ['accepted', 'partial'] as const) {
    await until(
      () => tidings.notifications.list.query({ status, limit: 1 }),
      ({ items }) => items.length === 0,
      timeoutMs,
    );
  }
}
