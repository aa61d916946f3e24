import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createTidings } from '@tidings/client';
import { FolderError } from './model.ts';
import { pull, push, type Report } from './sync.ts';

const usage = `npm run templates:pull -- [--dir templates] [--check]
npm run templates:push -- [--dir templates] [--check] [--publish]

The server is TIDINGS_URL (http://127.0.0.1:3000), the project that of TIDINGS_API_KEY (else of DATA_DIR/api-key).
With --check nothing is changed, and the exit code is 1 when the two differ.`;

/** Templates of a project as a folder of files: `tidings.mjs templates pull|push`. */
export async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const { positionals, values } = parseArgs({
    args: process.argv.slice(3),
    allowPositionals: true,
    options: {
      dir: { type: 'string', default: 'templates' },
      check: { type: 'boolean', default: false },
      publish: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [direction] = positionals;
  if (values.help || (direction !== 'pull' && direction !== 'push')) {
    console.log(usage);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const tidings = createTidings({
    url: env.TIDINGS_URL || 'http://127.0.0.1:3000',
    apiKey: env.TIDINGS_API_KEY || (await keyOfDataDir(env.DATA_DIR || './data')),
  });
  const { dir, check, publish } = values;
  try {
    const report: Report =
      direction === 'pull'
        ? await pull({ tidings, dir, check })
        : await push({ tidings, dir, check, publish });
    for (const line of report) console.log(line);
    if (report.length === 0) console.log('Nothing differs.');
    process.exitCode = check && report.length > 0 ? 1 : 0;
  } catch (error) {
    console.error(error instanceof FolderError ? error.message : describe(error));
    process.exitCode = 2;
  }
}

/** What the server or the network said, without a stack. */
function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function keyOfDataDir(dir: string): Promise<string> {
  return (await readFile(join(dir, 'api-key'), 'utf8').catch(() => '')).trim();
}
