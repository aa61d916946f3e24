import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createTidings, type Tidings } from '@tidings/client';
import { type Config, createLog, createMetrics, exitOnSignal, parseConfig } from '@tidings/runtime';
import { type AllInOne, startAllInOne } from './all-in-one.ts';
import { describeStart } from './describe-start.ts';

/** `npm run demo`: starts everything, sends one e-mail and one push as an application would, keeps serving. */
export async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const config = parseConfig({ LOG_LEVEL: 'warn', ...env });
  const log = createLog({ level: config.LOG_LEVEL, name: 'tidings' });
  const running = await startAllInOne({ config, log, metrics: createMetrics({ defaults: true }) });
  exitOnSignal({ log, stop: running.stop });
  await sendSamples(running, config);
  console.log(describeStart(running, config));
  console.log(tryIt(running));
}

async function sendSamples({ url, apiKey }: AllInOne, config: Config): Promise<void> {
  const tidings = createTidings({ url, apiKey: apiKey.key });
  await tidings.recipients.upsert.mutate({
    externalId: 'ada',
    name: 'Ada Lovelace',
    email: 'ada@example.com',
  });
  await tidings.devices.register.mutate({ recipientId: 'ada', platform: 'fcm', token: 'demo-device' });
  const data = { name: 'Ada', link: 'https://example.com/confirm' };
  const to = { recipientId: 'ada' };
  const email = await tidings.notifications.send.mutate({ to, template: 'welcome_email', data });
  const push = await tidings.notifications.send.mutate({ to, template: 'welcome_push', data });
  const outbox = resolve(config.DATA_DIR, 'outbox');
  for (const { messages } of [email, push]) {
    for (const { id, channel } of messages) {
      await printTimeline(tidings, id);
      if (channel === 'push') console.log(`  → ${resolve(outbox, 'push', `${id}.json`)}`);
      else if (config.SMTP_URL === undefined) console.log(`  → ${resolve(outbox, `${id}.eml`)}`);
    }
  }
}

async function printTimeline(tidings: Tidings, id: string): Promise<void> {
  const waitUntil = performance.now() + 30_000;
  let message = await tidings.messages.get.query({ id });
  while (message.endedAt === null && performance.now() < waitUntil) {
    await delay(50);
    message = await tidings.messages.get.query({ id });
  }
  console.log(`\n  ${message.channel} ${id}`);
  for (const { at, status, attempt, reason } of message.timeline) {
    const note = [attempt && `attempt ${attempt}`, reason].filter(Boolean).join(', ');
    console.log(`    ${at}  ${status}${note && `  (${note})`}`);
  }
}

function tryIt({ url, apiKey }: AllInOne): string {
  const body = {
    to: { email: 'you@example.com' },
    template: 'welcome_email',
    data: { name: 'You', link: 'https://example.com' },
  };
  return [
    '  Send one yourself:',
    '',
    `  curl ${url}/v1/notifications \\`,
    `    -H 'authorization: Bearer ${apiKey.key}' \\`,
    `    -H 'content-type: application/json' -H 'idempotency-key: first-try' \\`,
    `    -d '${JSON.stringify(body)}'`,
    '',
    '  Ctrl-C ends it.',
    '',
  ].join('\n');
}
