import { parseArgs } from 'node:util';
import { createBench } from '../bench.ts';
import { interleave, median } from '../harness/rounds.ts';
import { drainNaive } from '../rows/drain.ts';
import type { EmailTuning } from './email.ts';
import type { PushTuning } from './push.ts';

// What the naive pipeline was tuned by: node bench/naive/sweep.ts --channel push --messages 5000 --rounds 3
const { values } = parseArgs({
  options: {
    channel: { type: 'string' },
    messages: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '3' },
  },
});
const messages = Number(values.messages);
const rounds = Number(values.rounds);
const unlimited = 1_000_000_000;

const email: EmailTuning[] = [
  { concurrency: 8, maxConnections: 5, maxMessages: 100 },
  { concurrency: 16, maxConnections: 16, maxMessages: unlimited },
  { concurrency: 64, maxConnections: 8, maxMessages: unlimited },
  { concurrency: 64, maxConnections: 16, maxMessages: unlimited },
  { concurrency: 64, maxConnections: 64, maxMessages: unlimited },
  { concurrency: 256, maxConnections: 64, maxMessages: unlimited },
];
const push: PushTuning[] = [8, 16, 32, 64, 256].map((concurrency) => ({ concurrency }));

const bench = createBench({ quick: false, rounds, engine: 'redis+sqlite', profileDir: undefined });
const run = (channel: 'email' | 'push', tuning: object) => async () =>
  drainNaive(bench, { channel, messages, tuning: tuning as EmailTuning & PushTuning });
try {
  for (const [channel, tunings] of [
    ['email', email],
    ['push', push],
  ] as const) {
    if (values.channel !== undefined && values.channel !== channel) continue;
    const sides = tunings.map((tuning) => [`${channel} ${JSON.stringify(tuning)}`, run(channel, tuning)]);
    const results = await interleave(
      rounds,
      Object.fromEntries(sides) as Record<string, ReturnType<typeof run>>,
    );
    for (const [name, drained] of Object.entries(results)) {
      const rate = Math.round(median(drained.map(({ perSecond }) => perSecond)));
      const cpu = Math.round(median(drained.map(({ cpuUs }) => cpuUs)));
      console.log(`${name}: ${rate}/s, ${cpu} µs of processor time each`);
    }
  }
} finally {
  await bench.close();
}
process.exit(0);
