import { execFile } from 'node:child_process';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import openapiTypescript, { astToString } from 'openapi-typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';
import { tempDir } from '../../../../test/support/temp-dir.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../../../..');
const dir = tempDir();
let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
  symlinkSync(join(root, 'node_modules'), join(dir.path, 'node_modules'));
  writeFileSync(join(dir.path, 'package.json'), '{ "private": true, "type": "module" }\n');
});
afterAll(async () => {
  await tested.close();
  rmSync(join(dir.path, 'node_modules'));
  dir.remove();
});

/** What an application in another language's tools would write, but in ours. */
const program = `
import createClient from 'openapi-fetch';
import type { paths } from './schema.d.ts';

const [baseUrl = '', key = ''] = process.argv.slice(2);
const tidings = createClient<paths>({ baseUrl, headers: { authorization: \`Bearer \${key}\` } });

const sent = await tidings.POST('/v1/notifications', {
  params: { header: { 'Idempotency-Key': 'first' } },
  body: { to: { email: 'ada@example.com' }, content: { email: { subject: 's', text: 't' } }, channels: ['email'] },
});
if (sent.data === undefined) throw new Error(JSON.stringify(sent.error));
const id: string = sent.data.id;
const status: 'accepted' | 'partial' | 'completed' | 'ended' = sent.data.status;
const one = await tidings.GET('/v1/notifications/{id}', { params: { path: { id } } });
const all = await tidings.GET('/v1/notifications', { params: { query: { limit: 5, lane: 'normal' } } });
const refused = await tidings.POST('/v1/notifications', { body: { to: { recipientId: 'nobody' }, template: 'welcome_email' } });
// @ts-expect-error: a lane that does not exist
await tidings.GET('/v1/notifications', { params: { query: { lane: 'slow' } } });
// @ts-expect-error: a path that does not exist
type Missing = paths['/v1/nothing'];
console.log(JSON.stringify({
  status,
  got: one.data?.messages.map(({ channel }) => channel),
  listed: all.data?.items.map((item) => item.id === id),
  code: refused.error?.code,
}));
`;

test('a client generated from the document is typed, and sends, gets, lists and reads errors', async () => {
  const { text } = await tested.call('GET', '/openapi.json');
  writeFileSync(join(dir.path, 'schema.d.ts'), astToString(await openapiTypescript(JSON.parse(text))));
  writeFileSync(join(dir.path, 'program.ts'), program);
  const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2024', '--types', 'node'];
  const imports = ['--allowImportingTsExtensions', '--verbatimModuleSyntax'];
  const tsc = join(
    dirname(createRequire(join(root, 'package.json')).resolve('typescript/package.json')),
    'bin/tsc',
  );
  const inDir = { cwd: dir.path };
  await run(process.execPath, [tsc, ...options, ...imports, 'program.ts'], inDir).catch((error) => {
    throw new Error(error.stdout);
  });
  const { url } = await tested.listen();
  const { stdout } = await run(process.execPath, ['program.ts', url, tested.key], inDir);
  expect(JSON.parse(stdout)).toEqual({
    status: 'accepted',
    got: ['email'],
    listed: [true],
    code: 'recipient_not_found',
  });
});
