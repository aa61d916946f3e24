import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, vi } from 'vitest';
import { type Child, startChild } from '../support/child.ts';
import { startFcmSink } from '../support/fcm-sink.ts';
import { figuresAvailable, openDescriptors, residentBytes } from '../support/process-figures.ts';
import { redisAvailable, startRedis, type TestRedis } from '../support/redis-server.ts';
import { startScriptedSmtp } from '../support/scripted-smtp.ts';
import { startSmtpSink } from '../support/smtp-sink.ts';
import { longTest } from './all.ts';
import type { ProcessLog } from './check-processes.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { startLoad } from './load.ts';
import { copiesOf } from './read-history.ts';
import { emailTo, freshKeys, pushTo } from './recording-client.ts';

vi.setConfig({ testTimeout: 180_000 });

const cleanUp: Array<() => Promise<unknown>> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

/** Ends it as an operator would. */
async function endOf(name: string, child: Child, samples: ProcessLog['samples'] = []): Promise<ProcessLog> {
  const from = performance.now();
  const exitCode = await child.end('SIGTERM');
  return { name, exitCode, tookMs: performance.now() - from, output: child.output(), samples };
}

/** The workers as they are shipped, with their metrics. */
async function startShipped({ env }: Cluster): Promise<{ worker: Child; url: string }> {
  const worker = startChild(['tidings.mjs', 'workers'], env);
  cleanUp.push(() => worker.end());
  const [, url = ''] = await worker.printed(/"url":"(http:[^"]+)"/);
  return { worker, url };
}

const textOf = async (url: string) => (await fetch(url)).text();

describe.skipIf(!redisAvailable)('what a run leaves behind', () => {
  async function redisOfOwn(): Promise<TestRedis> {
    const redis = await startRedis();
    cleanUp.push(redis.stop);
    return redis;
  }

  longTest('two workers before a limit of 20 a second: never more, and all are sent', async () => {
    const redis = await redisOfOwn();
    const sink = await startSmtpSink();
    const cluster = await openCluster({
      smtpUrl: sink.url,
      received: sink.received,
      redisUrl: redis.url,
      env: { EMAIL_RATE_LIMIT: '20' },
    });
    cleanUp.push(sink.stop, cluster.stop);
    await cluster.startApi();
    await Promise.all([cluster.startWorker(), cluster.startWorker()]);
    await Promise.all(freshKeys(200).map((key) => cluster.client.sendSurely(key)));
    const { copies } = await cluster.expectInvariants({ also: async () => ({ perSecond: 20 }) });
    expect(copies).toHaveLength(200);
  });

  longTest('nobody’s address, token or words, and no secret, in Redis, in logs or in metrics', async () => {
    const redis = await redisOfOwn();
    const inDoubt = (name: string, id = '') => cluster.note({ name, ambiguous: true, messageIds: [id] });
    const fcm = await startFcmSink({
      answer: (count, { body }) => {
        if (count % 3 === 1) return { status: 503, errorStatus: 'token-secret-1' };
        if (count % 3 === 0) return undefined;
        inDoubt('reset', body.message.data.tidingsMessageId);
        return 'reset';
      },
    });
    const smtp = await startScriptedSmtp({
      ehlo: '250-scripted\r\n250 AUTH PLAIN',
      rcpt: (count) =>
        ['250 ok', '451 4.3.0 <rcpt-451@example.com> later', '550 5.1.1 <rcpt-550@example.com> unknown'][
          count % 3
        ] ?? '',
      body: (count) => {
        if (count % 7 !== 0) return '250 ok';
        inDoubt('lost after the body', copiesOf(smtp.messages.slice(-1))[0]?.messageId);
        return 'drop';
      },
    });
    const cluster = await openCluster({
      smtpUrl: `smtp://mailer:smtp-password-1@127.0.0.1:${smtp.port}`,
      received: smtp.messages,
      fcm,
      redisUrl: redis.url,
      env: { LOG_LEVEL: 'trace' },
    });
    cleanUp.push(fcm.stop, smtp.stop, cluster.stop);
    const api = await cluster.startApi();
    const [, apiUrl = ''] = await api.printed(/"url":"(http:[^"]+)"/);
    const { worker, url } = await startShipped(cluster);
    const content = {
      email: { subject: 'subject-secret-1', text: 'text-secret-1 {{ word }}' },
      push: { title: 'title-secret-1', body: 'body-secret-1' },
    };
    const data = { word: 'variable-secret-1' };
    for (const key of freshKeys(30)) {
      await cluster.client.sendSurely(key, emailTo(`address-${key}`, { content, data }));
      await cluster.client.sendSurely(`push-${key}`, pushTo(`device-${key}`, { content, data }));
    }
    // Refused, so that what refuses is seen too.
    await cluster.client.send('refused-key', { to: { email: 'refused-1@@example.com' }, content });
    const places: Array<{ name: string; text: string }> = [];
    const keep = async () => {
      places.push(
        { name: 'Redis', text: await redis.everything() },
        { name: 'metrics of the API', text: await textOf(`${apiUrl}/metrics`) },
        { name: 'metrics of the worker', text: await textOf(`${url}/metrics`) },
      );
    };
    await keep();
    await cluster.expectInvariants({
      timeoutMs: 150_000,
      also: async () => {
        await keep();
        const processes = [await endOf('the API', api), await endOf('the worker', worker)];
        places.push(...processes.map(({ name, output }) => ({ name: `log of ${name}`, text: output })));
        const values = [
          ...['@example.com', '@@example.com', 'address-', 'device-', 'variable-secret-1'],
          ...['subject-secret-1', 'text-secret-1', 'title-secret-1', 'body-secret-1', 'token-secret-1'],
          ...['smtp-password-1', cluster.env.TIDINGS_API_KEY?.split('_')[2] ?? '', ...fcm.tokens.issued],
          ...[...fcm.tokens.assertions, fcm.account.private_key.split('\n')[1] ?? '', 'PRIVATE KEY'],
        ];
        return { processes, maxFailures: 8, secrets: { values, places } };
      },
    });
    expect(places.map(({ text }) => text.length > 100)).toEqual(places.map(() => true));
  });

  longTest(
    'after a minute of load both exit cleanly, and neither memory nor descriptors have grown',
    async () => {
      const redis = await redisOfOwn();
      const sink = await startSmtpSink();
      const cluster = await openCluster({ smtpUrl: sink.url, received: sink.received, redisUrl: redis.url });
      cleanUp.push(sink.stop, cluster.stop);
      const api = await cluster.startApi();
      const { worker } = await startShipped(cluster);
      const load = startLoad(cluster.client, { senders: 8, pauseMs: 10 });
      const samples = { api: [] as ProcessLog['samples'], worker: [] as ProcessLog['samples'] };
      const sampleOf = (child: Child) => ({
        residentBytes: residentBytes(child),
        descriptors: openDescriptors(child),
      });
      for (let second = 0; second < 60 && figuresAvailable; second += 1) {
        await delay(1000);
        samples.api.push(sampleOf(api));
        samples.worker.push(sampleOf(worker));
      }
      await load.stop();
      const { copies } = await cluster.expectInvariants({
        also: async () => ({
          maxFailures: 8,
          processes: [
            await endOf('the API', api, samples.api),
            await endOf('the worker', worker, samples.worker),
          ],
        }),
      });
      expect(copies).toHaveLength(load.answers.length);
      for (const [name, taken] of Object.entries(samples)) {
        const [first, last] = [taken[15], taken.at(-1)];
        const mb = (bytes = 0) => Math.round(bytes / 1e6);
        console.log(
          `${name}: ${mb(first?.residentBytes)} MB and ${first?.descriptors} descriptors after 15 s, ` +
            `${mb(last?.residentBytes)} MB and ${last?.descriptors} after 60 s, ${copies.length} sent`,
        );
      }
    },
  );
});
