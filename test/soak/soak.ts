import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createTidings } from '@tidings/client';
import { startChild } from '../support/child.ts';
import { copiesByMessage } from '../support/copies-by-message.ts';
import { startScriptedSmtp } from '../support/scripted-smtp.ts';
import { tempDir } from '../support/temp-dir.ts';

// Sends many messages through one all-in-one process and watches its memory. Not part of the suite:
//   npm run soak -- --messages 200000 --queue embedded
const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '200000' },
    queue: { type: 'string', default: 'embedded' },
    minutes: { type: 'string', default: '45' },
  },
});
const total = Number(values.messages);
const giveUpAt = performance.now() + Number(values.minutes) * 60_000;
const perRequest = 500;
const maxAhead = 5000;

const sink = await startScriptedSmtp();
const dir = tempDir();
const apiKey = 'tk_0123456789ab_0123456789abcdef0123456789abcdef';
const child = startChild(['tidings.mjs', 'start'], {
  DATA_DIR: dir.path,
  PORT: '0',
  REDIS_URL: values.queue,
  SMTP_URL: sink.url,
  EMAIL_FROM: 'soak@tidings.example',
  TIDINGS_API_KEY: apiKey,
  LOG_LEVEL: 'warn',
});
const [, url = ''] = await child.printed(/(http:\/\/127\.0\.0\.1:\d+)\/v1/);
const tidings = createTidings({ url, apiKey });

const copies = new Map<string, number>();
function collect(): number {
  for (const [id, count] of copiesByMessage(sink.messages.splice(0))) {
    copies.set(id, (copies.get(id) ?? 0) + count);
  }
  return copies.size;
}

/** Resident memory of the Tidings process in MB. */
function residentMb(): number {
  const [, kilobytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kilobytes) / 1024);
}

const startedAt = performance.now();
const samples: number[] = [];
let accepted = 0;
let nextSample = total / 20;
// The least of an interval: what is left after a collection. In between it is only how long V8 waited.
let least = Number.POSITIVE_INFINITY;
console.log('delivered   least rss MB   messages/s');
while (collect() < total && performance.now() < giveUpAt) {
  if (accepted < total && accepted - copies.size < maxAhead) {
    const items = Array.from({ length: Math.min(perRequest, total - accepted) }, (_, index) => ({
      to: { email: `user${accepted + index}@example.com` },
      template: 'welcome_email',
      data: { name: `User ${accepted + index}`, link: 'https://example.com/confirm' },
    }));
    const answer = await tidings.notifications.sendMany.mutate({ items });
    accepted += answer.items.filter((item) => 'id' in item).length;
  } else {
    await delay(20);
  }
  least = Math.min(least, residentMb());
  if (copies.size >= nextSample) {
    nextSample += total / 20;
    samples.push(least);
    least = Number.POSITIVE_INFINITY;
    const rate = Math.round(copies.size / ((performance.now() - startedAt) / 1000));
    console.log(`${copies.size}`.padEnd(12), `${samples.at(-1)}`.padEnd(14), rate);
  }
}
// A copy that is still on its way would come now.
await delay(2000);
collect();
const half = samples.slice(Math.floor(samples.length / 4), Math.floor(samples.length / 2));
const last = samples.slice(-half.length);
const mean = (list: number[]) => Math.round(list.reduce((sum, one) => sum + one, 0) / list.length);
const extra = [...copies.values()].reduce((sum, count) => sum + count - 1, 0);
console.log(`accepted ${accepted}, delivered ${copies.size}, copies beyond the first ${extra}`);
console.log(
  `least rss MB: second quarter ${mean(half)}, last quarter ${mean(last)}, most ${Math.max(...samples)}`,
);
await child.end('SIGTERM');
await sink.stop();
dir.remove();
process.exit(copies.size === total && extra === 0 ? 0 : 1);
