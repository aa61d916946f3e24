import { type ConnectionOptions, Worker } from 'bullmq';
import { eq, sql } from 'drizzle-orm';
import { Liquid } from 'liquidjs';
import { messages, type NaiveJob, type NaiveRecord } from './record.ts';

/** What was tuned, by `sweep.ts`. */
export interface PushTuning {
  concurrency: number;
}

export const bestPushTuning: PushTuning = { concurrency: 64 };

/** A worker that posts each message to FCM by `fetch`, which keeps its connections. The access token is cached. */
export async function startNaivePush(options: {
  connection: ConnectionOptions;
  record: NaiveRecord;
  fcmUrl: string;
  tuning: PushTuning;
}): Promise<Worker<NaiveJob>> {
  const { connection, record, fcmUrl, tuning } = options;
  const liquid = new Liquid();
  const title = liquid.parse('Welcome, {{ name }}!');
  const body = liquid.parse('Good to have you here.');
  const answer = await fetch(`${fcmUrl}/token`, { method: 'POST' });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  const markSent = record
    .update(messages)
    .set({ status: 'sent', sentAt: sql`${sql.placeholder('sentAt')}` })
    .where(eq(messages.id, sql.placeholder('id')))
    .prepare();

  return new Worker<NaiveJob>(
    'naive-push',
    async ({ data }) => {
      const [renderedTitle, renderedBody] = await Promise.all([
        liquid.render(title, data),
        liquid.render(body, data),
      ]);
      const response = await fetch(`${fcmUrl}/v1/projects/bench/messages:send`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          message: { token: data.to, notification: { title: renderedTitle, body: renderedBody } },
        }),
      });
      if (!response.ok) throw new Error(`FCM answered ${response.status}`);
      await response.json();
      markSent.run({ id: data.id, sentAt: Date.now() });
    },
    {
      connection,
      concurrency: tuning.concurrency,
      removeOnComplete: { count: 1000 },
      removeOnFail: { count: 5000 },
    },
  );
}
