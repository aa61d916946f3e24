import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

// `npm run test:faults` runs all of this directory, the long ones too. With `--seed N` or `--minutes M` it runs the
// random mix alone, as long as that; without a seed it takes a new one and prints it. Other arguments are vitest's.
const { values, positionals } = parseArgs({
  options: { seed: { type: 'string' }, minutes: { type: 'string' } },
  allowPositionals: true,
});
const isMix = values.seed !== undefined || values.minutes !== undefined;
const { seed = String(Date.now() % 1_000_000), minutes = '2' } = values;
const files = positionals.length > 0 ? positionals : [isMix ? 'test/faults/mix.test.ts' : 'test/faults'];
const env = {
  ...process.env,
  FAULTS: 'all',
  ...(isMix && { FAULTS_SEED: seed, FAULTS_MINUTES: minutes }),
};
// One file at a time: each has servers and processes of its own, and some have seconds to keep.
const vitest = spawn('vitest', ['run', '--maxWorkers=1', ...files], { env, stdio: 'inherit' });
vitest.on('exit', (code) => process.exit(code ?? 1));
