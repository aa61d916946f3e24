import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../test/support/api.ts';
import type { createTidings } from './index.ts';

let tested: TestApi;
let url: string;
beforeAll(async () => {
  tested = await openTestApi();
  url = (await tested.listen()).url;
});
afterAll(() => tested.close());

/** What every browser and edge runtime has, and nothing of Node. */
const webOnly = {
  AbortController,
  AbortSignal,
  Blob,
  clearTimeout,
  crypto,
  fetch,
  FormData,
  Headers,
  Response,
  setTimeout,
  URL,
};

test('bundled for a browser it works where there is nothing but what the web has', async () => {
  const { outputFiles } = await build({
    entryPoints: [`${import.meta.dirname}/index.ts`],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'client',
    logLevel: 'silent',
  });
  const context = createContext({ ...webOnly });
  runInContext(outputFiles[0]?.text ?? '', context);
  const { client } = context as unknown as { client: { createTidings: typeof createTidings } };
  const tidings = client.createTidings({ url, apiKey: tested.key });
  const mail = { to: { email: 'ada@example.com' }, content: { email: { subject: 's', text: 't' } } };
  const [first, second] = await Promise.all([1, 2].map(() => tidings.notifications.send.mutate(mail)));
  expect(first?.id).not.toBe(second?.id);
  expect(await tidings.notifications.get.query({ id: first?.id ?? '' })).toMatchObject({
    status: 'accepted',
  });
});
