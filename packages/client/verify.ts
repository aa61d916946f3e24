import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

// Proves the built package as an application meets it: packed, installed from the tarball into an empty
// directory (this asks the registry), type-checked without skipLibCheck, and run against the API at
// TIDINGS_URL with TIDINGS_API_KEY. Run `npm run build:client` first.

const program = `
import { createConsumer, createTidings, problemOf, type Tidings } from '@tidings/client';

const tidings: Tidings = createTidings({ url: process.env.TIDINGS_URL ?? '', apiKey: process.env.TIDINGS_API_KEY ?? '' });
const sent = await tidings.notifications.send.mutate({
  to: { email: 'ada@example.com' },
  template: 'welcome_email',
  data: { name: 'Ada', link: 'https://example.com/confirm' },
  lane: 'high',
});
const status: 'accepted' | 'partial' | 'completed' | 'ended' = sent.status;
const { messages } = await tidings.notifications.get.query({ id: sent.id });
// @ts-expect-error: a lane that does not exist
const refused = await tidings.notifications.send.mutate({ ...{ to: { email: 'a@b.example' } }, lane: 'no' }).catch((error: unknown) => error);
// @ts-expect-error: a procedure that does not exist
const missing: unknown = tidings.notifications.nothing;
const consumer = createConsumer({
  tidings,
  name: 'verify',
  types: ['order.*'],
  handler: ({ id, data }, { attempt, signal }) => void [id satisfies string, data['orderId'], attempt + 1, signal.aborted],
});
await consumer.subscribed;
await consumer.stop();
console.log(JSON.stringify({ status, messages: messages.length, code: problemOf(refused)?.code }));
`;

const dist = join(import.meta.dirname, 'dist');
const dir = mkdtempSync(join(tmpdir(), 'tidings-client-'));
const run = (command: string, args: string[]) =>
  execFileSync(command, args, { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

try {
  const tarball = run('npm', ['pack', dist, '--silent']).trim();
  writeFileSync(join(dir, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', `./${tarball}`]);
  linkTypes();
  writeFileSync(join(dir, 'program.ts'), program);
  typecheck();
  console.log(run(process.execPath, ['program.ts']).trim());
} finally {
  rmSync(dir, { recursive: true, force: true });
}

/** Node's own types, which an application brings itself. */
function linkTypes(): void {
  const require = createRequire(import.meta.url);
  for (const name of ['@types/node', 'undici-types']) {
    const from = dirname(require.resolve(`${name}/package.json`));
    cpSync(from, join(dir, 'node_modules', name), { recursive: true });
  }
}

function typecheck(): void {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
  run(process.execPath, [join(typescript, 'bin/tsc'), ...options, 'program.ts']);
}
