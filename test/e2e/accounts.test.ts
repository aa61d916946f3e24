import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTidings } from '@tidings/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Child, startChild } from '../support/child.ts';
import { enginesOf } from '../support/engines.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir();
let env: Record<string, string>;
let service: Child;
let url: string;

beforeAll(async () => {
  env = { DATA_DIR: dir.path, PORT: '0', ...(await enginesOf(dir.path)) };
  service = startChild(['tidings.mjs', 'start'], env);
  const [, found = ''] = await service.printed(/API {7}(http:\S+)\/v1/);
  url = found;
});
afterAll(async () => {
  await service.end();
  dir.remove();
});

const login = (email: string, password: string) =>
  createTidings({ url, apiKey: 'none' }).auth.login.mutate({ email, password });
const createAdmin = (...args: string[]) => startChild(['tidings.mjs', 'admin:create', ...args], env);

test('the password that the first start generates opens the board and the API', async () => {
  const password = readFileSync(join(dir.path, 'admin-password'), 'utf8').trim();
  expect(service.output()).toContain(`admin@localhost with ${password}`);
  const basic = Buffer.from(`admin@localhost:${password}`).toString('base64');
  const board = await fetch(`${url}/board`, { headers: { authorization: `Basic ${basic}` } });
  expect(board.status).toBe(200);
  expect((await login('admin@localhost', password)).account).toMatchObject({ role: 'owner' });
});

test('admin:create makes an owner beside a running service, and tells the password once', async () => {
  const child = createAdmin('--email', 'Ada@Example.com', '--name', 'Ada Lovelace');
  expect(await child.exited, child.output()).toBe(0);
  const [, password = ''] = /^Password: (\S{24})$/m.exec(child.output()) ?? [];
  const { account, accessToken } = await login('ada@example.com', password);
  expect(account).toMatchObject({ role: 'owner', name: 'Ada Lovelace' });
  const asAda = createTidings({ url, apiKey: accessToken });
  expect((await asAda.accounts.list.query({})).items).toHaveLength(2);

  const again = createAdmin('--email', 'ada@example.com');
  expect(await again.exited).toBe(1);
  expect(again.output()).toContain('There is an account with the address ada@example.com already.');
  expect((await login('ada@example.com', password)).account.id).toBe(account.id);
});

test('an API apart makes the owner that the environment names, or says how to make one', async () => {
  const own = tempDir();
  const apart = { DATA_DIR: own.path, PORT: '0', ...(await enginesOf(own.path)) };
  const without = startChild(['tidings.mjs', 'api'], apart);
  await without.printed(/"msg":"ready"/);
  expect(without.output()).toMatch(
    /nobody can log in yet: set ADMIN_EMAIL and ADMIN_PASSWORD, or run npm run/,
  );
  await without.end();

  const given = { ADMIN_EMAIL: 'ops@example.com', ADMIN_PASSWORD: 'a password of ours' };
  const api = startChild(['tidings.mjs', 'api'], { ...apart, ...given });
  const [, found = ''] = await api.printed(/"url":"([^"]+)".*"msg":"ready"/);
  expect(api.output()).not.toContain('nobody can log in');
  const { account } = await createTidings({ url: found, apiKey: 'none' }).auth.login.mutate({
    email: given.ADMIN_EMAIL,
    password: given.ADMIN_PASSWORD,
  });
  expect(account.role).toBe('owner');
  expect(api.output()).not.toContain(given.ADMIN_PASSWORD);
  await api.end();
  own.remove();
});

test.each([
  [[], /^--email: Usage: npm run admin:create/m],
  [['--email', 'nobody'], /^--email: Usage: npm run admin:create/m],
  [['--email', 'a@example.com', '--name', ''], /^--name: must be one line/m],
  [['--mail', 'a@example.com'], /Unknown option '--mail'.*\nUsage:/],
])('admin:create %j is told what is wrong, in a line and without a stack', async (args, message) => {
  const child = createAdmin(...args);
  expect(await child.exited).toBe(1);
  expect(child.output()).toMatch(message);
  expect(child.output()).not.toMatch(/\n\s+at /);
});
