import type { AppRouter } from '@tidings/api';
import { createTRPCClient, httpLink } from '@trpc/client';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { allOperations, openTestApi, type TestApi } from '../../../test/support/api.ts';
import { createTidings, problemOf, type Tidings } from './index.ts';

let tested: TestApi;
let url: string;
beforeAll(async () => {
  tested = await openTestApi();
  url = (await tested.listen()).url;
});
afterAll(() => tested.close());

const good = { to: { email: 'ada@example.com' }, content: { email: { subject: 's', text: 't' } } };

type Input<Call> = Call extends { mutate(input: infer In): unknown } | { query(input: infer In): unknown }
  ? In
  : never;
type Output<Call> = Call extends
  | { mutate(...all: never[]): infer Out }
  | { query(...all: never[]): infer Out }
  ? Awaited<Out>
  : never;

test("the client's types are those of the API's router, in every operation", () => {
  const ofRouter = createTRPCClient<AppRouter>({ links: [httpLink({ url })] });
  const asOurs: Tidings = ofRouter;
  expect(asOurs).toBeDefined();
  type Router = typeof ofRouter;
  expectTypeOf<keyof Tidings>().toEqualTypeOf<Exclude<keyof Router, symbol>>();
  type N = keyof Tidings['notifications'];
  expectTypeOf<N>().toEqualTypeOf<keyof Router['notifications']>();
  expectTypeOf<Input<Tidings['notifications']['send']>>().toEqualTypeOf<
    Input<Router['notifications']['send']>
  >();
  expectTypeOf<Output<Tidings['notifications']['get']>>().toEqualTypeOf<
    Output<Router['notifications']['get']>
  >();
  expectTypeOf<Output<Tidings['messages']['get']>>().toEqualTypeOf<Output<Router['messages']['get']>>();
  expectTypeOf<keyof Tidings['recipients']>().toEqualTypeOf<keyof Router['recipients']>();
  expectTypeOf<keyof Tidings['devices']>().toEqualTypeOf<keyof Router['devices']>();
  expectTypeOf<keyof Tidings['auth']>().toEqualTypeOf<keyof Router['auth']>();
  expectTypeOf<keyof Tidings['sessions']>().toEqualTypeOf<keyof Router['sessions']>();
  expectTypeOf<keyof Tidings['accounts']>().toEqualTypeOf<keyof Router['accounts']>();
  expectTypeOf<keyof Tidings['invitations']>().toEqualTypeOf<keyof Router['invitations']>();
  expectTypeOf<Output<Tidings['auth']['login']>>().toEqualTypeOf<Output<Router['auth']['login']>>();
});

test('every operation can be called by its name', () => {
  const tidings = createTidings({ url, apiKey: tested.key });
  for (const { name, method } of allOperations) {
    const call = name
      .split('.')
      .reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], tidings) as Record<
      string,
      unknown
    >;
    expect(call[method === 'GET' ? 'query' : 'mutate']).toBeTypeOf('function');
  }
});

test("an account's client is about the project that it names", async () => {
  const key = await tested.addProject('other');
  const { token } = await tested.addAccount('owner');
  const asAccount = createTidings({ url, apiKey: token, project: 'other' });
  await asAccount.recipients.upsert.mutate({ externalId: 'of-other', name: 'Ada' });
  const inOther = createTidings({ url, apiKey: key });
  expect(await inOther.recipients.get.query({ recipientId: 'of-other' })).toMatchObject({ name: 'Ada' });
});

describe('errors', () => {
  test('an error of the API brings its problem document', async () => {
    const tidings = createTidings({ url, apiKey: tested.key });
    const send = tidings.notifications.send.mutate({ to: good.to, template: 'welcome_email', data: {} });
    expect(problemOf(await send.catch((error: unknown) => error))).toMatchObject({
      code: 'invalid_variables',
      status: 422,
      errors: [{ pointer: '/data/name' }, { pointer: '/data/link' }],
    });
  });

  test('without a connection there is no document', async () => {
    const tidings = createTidings({ url: 'http://127.0.0.1:1', apiKey: tested.key });
    const error = await tidings.notifications.list.query({}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(problemOf(error)).toBeUndefined();
  });

  test('something else than an error of the client has none', () => {
    expect(problemOf(new Error('x'))).toBeUndefined();
    expect(problemOf(undefined)).toBeUndefined();
  });
});

test('a call can be given up', async () => {
  const tidings = createTidings({ url, apiKey: tested.key });
  await expect(tidings.notifications.send.mutate(good, { signal: AbortSignal.abort() })).rejects.toThrow(
    /abort/i,
  );
});

test('a fetch of your own is used, with the key in its header and the path of the procedure', async () => {
  const seen: Array<[string, string | null]> = [];
  const tidings = createTidings({
    url: `${url}/ignored/path`,
    apiKey: tested.key,
    fetch: async (input, init) => {
      seen.push([String(input), new Headers(init?.headers).get('authorization')]);
      return fetch(input, init);
    },
  });
  await tidings.notifications.send.mutate(good);
  expect(seen).toEqual([[`${url}/trpc/notifications.send`, `Bearer ${tested.key}`]]);
});
