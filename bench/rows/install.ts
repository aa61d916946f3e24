import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram } from '../../test/support/child.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import type { Bench } from '../bench.ts';
import { said } from '../harness/worker.ts';
import type { Measured, Row } from '../row.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const installTimeoutMs = 300_000;

/** A clone of what is committed, `npm ci`, and the demo, until both of its messages are sent. */
async function installToFirstMessage(bench: Bench): Promise<Measured> {
  const dir = tempDir();
  try {
    const checkout = join(dir.path, 'checkout');
    execFileSync('git', ['clone', '--quiet', '--depth', '1', `file://${root}`, checkout], { stdio: 'pipe' });
    const startedAt = performance.now();
    execFileSync('npm', ['ci', '--no-progress'], { cwd: checkout, stdio: 'pipe', timeout: installTimeoutMs });
    const installedAt = performance.now();
    const { DATABASE_URL: _record, REDIS_URL: _queue, ...env } = process.env;
    const demo = startProgram([process.execPath, 'tidings.mjs', 'demo'], {
      cwd: checkout,
      env: { ...env, PORT: '0', DATA_DIR: join(dir.path, 'data') },
    });
    await said(demo, / sent .*[\s\S]* sent /);
    const seconds = (performance.now() - startedAt) / 1000;
    await demo.end('SIGTERM');
    bench.say(`installed in ${((installedAt - startedAt) / 1000).toFixed(1)} s`);
    return {
      value: seconds,
      rounds: { product: [seconds] },
      notes: [
        `npm ci ${((installedAt - startedAt) / 1000).toFixed(1)} s, with whatever npm has in its cache; ` +
          `then ${((performance.now() - installedAt) / 1000).toFixed(1)} s to an e-mail and a push`,
      ],
    };
  } finally {
    dir.remove();
  }
}

export const installRows: Row[] = [
  {
    id: 'I1',
    what: 'install to first delivered message',
    against: '',
    unit: 's',
    goal: { atMost: 60 },
    measure: installToFirstMessage,
  },
];
