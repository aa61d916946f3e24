import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createBench, engines } from './bench.ts';
import { canPin } from './harness/cores.ts';
import { jsonOf, type Result, tableOf } from './report.ts';
import type { Measured } from './row.ts';
import { rowsNamed } from './rows.ts';

// npm run bench -- [rows or groups] [--quick] [--rounds 5] [--profile] [--engine redis+postgres] [--out file]
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    profile: { type: 'boolean', default: false },
    engine: { type: 'string', default: engines[0] },
    out: { type: 'string', default: 'data/bench/result.json' },
  },
});
const engine = engines.find((one) => one === values.engine);
if (engine === undefined) throw new Error(`--engine is one of ${engines.join(', ')}`);
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
if (!(rounds >= 1 && rounds <= 99)) throw new Error('--rounds is a number from 1 to 99');
const rows = rowsNamed(positionals);

const out = resolve(values.out);
const profileDir = values.profile ? resolve(dirname(out), 'profiles') : undefined;
const bench = createBench({ quick: values.quick, rounds, engine, profileDir });
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Whatever was started ends with this process, but temporary directories do not go by themselves.
  process.once(signal, () => void bench.close().finally(() => process.exit(130)));
}
/** A row that hangs must not hold up a night. */
const rowTimeoutMs = 45 * 60_000;
const loadBefore = loadavg()[0];
const results: Result[] = [];
try {
  for (const row of rows) {
    bench.say(`${row.id}: ${row.what} …`);
    try {
      const measured = await inTime(row.measure(bench));
      results.push({ row, measured });
    } catch (error) {
      const text = error instanceof Error ? `${error.message} ${error.cause ?? ''}` : String(error);
      results.push({ row, error: text });
    }
    const last = results.slice(-1);
    bench.say(tableOf(last));
  }
} finally {
  await bench.close();
}
const run = {
  at: new Date().toISOString(),
  node: process.version,
  cores: availableParallelism(),
  pinned: canPin,
  engine,
  quick: values.quick,
  rounds,
  load: [loadBefore, loadavg()[0]],
};
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, jsonOf(results, run));
console.log(tableOf(results));
console.log(`${out}`);

function inTime(measured: Promise<Measured>): Promise<Measured> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('it took too long')), rowTimeoutMs);
  return Promise.race([measured, late]).finally(() => clearTimeout(timer));
}
process.exit(results.some(({ error }) => error !== undefined) ? 1 : 0);
