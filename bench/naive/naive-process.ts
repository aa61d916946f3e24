import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Queue, type Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { answerCommands } from '../harness/commands.ts';
import { createProfiler } from '../harness/profiler.ts';
import { bestEmailTuning, type EmailTuning, startNaiveEmail } from './email.ts';
import { bestPushTuning, type PushTuning, startNaivePush } from './push.ts';
import { type NaiveJob, type NaiveRecord, openNaiveRecord } from './record.ts';

const perBulk = 1000;
let connection: Redis;
let opened: ReturnType<typeof openNaiveRecord>;
let worker: Worker<NaiveJob> | undefined;

const commands = {
  ...createProfiler(),
  fill: async (options: { dataDir: string; redisUrl: string; channel: 'email' | 'push'; count: number }) => {
    const { dataDir, redisUrl, channel, count } = options;
    mkdirSync(dataDir, { recursive: true });
    opened = openNaiveRecord(join(dataDir, 'naive.db'));
    connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
    const queue = new Queue(`naive-${channel}`, {
      connection,
      defaultJobOptions: { attempts: 8, backoff: { type: 'exponential', delay: 1000 } },
    });
    const insert = opened.sqlite.prepare(`insert into messages (id, status) values (?, 'queued')`);
    for (let from = 0; from < count; from += perBulk) {
      const jobs = Array.from({ length: Math.min(perBulk, count - from) }, (_, at) =>
        jobOf(channel, from + at),
      );
      opened.sqlite.transaction(() => {
        for (const { id } of jobs) insert.run(id);
      })();
      await queue.addBulk(jobs.map((data) => ({ name: channel, data })));
    }
    await queue.close();
  },
  email: ({ port, tuning = bestEmailTuning }: { port: number; tuning?: EmailTuning }) => {
    worker = startNaiveEmail({ connection, record: recordOf(), smtpPort: port, tuning });
  },
  push: async ({ port, tuning = bestPushTuning }: { port: number; tuning?: PushTuning }) => {
    const fcmUrl = `http://127.0.0.1:${port}`;
    worker = await startNaivePush({ connection, record: recordOf(), fcmUrl, tuning });
  },
  /** How many messages are not recorded as sent. */
  unsent: () => {
    const row = opened.sqlite.prepare(`select count(*) as n from messages where status <> 'sent'`).get();
    return (row as { n: number }).n;
  },
  close: async () => {
    await worker?.close();
  },
};
export type NaiveCommands = typeof commands;

function recordOf(): NaiveRecord {
  return opened.record;
}

function jobOf(channel: 'email' | 'push', index: number): NaiveJob {
  return {
    id: `${channel}-${index}`,
    to: channel === 'email' ? `user${index}@example.com` : `device-token-${index}`.padEnd(152, 'x'),
    name: `User ${index}`,
    link: 'https://example.com/confirm',
  };
}

answerCommands(commands);
