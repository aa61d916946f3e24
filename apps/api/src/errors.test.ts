import { createTidings, problemOf } from '@tidings/client';
import { errorCatalogue } from '@tidings/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, openTestApi, type TestApi } from '../../../test/support/api.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

const good = { to: { email: 'ada@example.com' }, content: { email: { subject: 's', text: 't' } } };
const data = { name: 'Ada', link: 'https://example.com/' };

/** The answer is a complete RFC 9457 document of the catalogue with this code. */
function expectProblem(answer: Answer, code: keyof typeof errorCatalogue): void {
  const { status, title } = errorCatalogue[code];
  expect(answer.body).toMatchObject({ code, status, title, type: `urn:tidings:error:${code}` });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.body.detail).toMatch(/./);
  expect(answer.body.requestId).toBe(answer.headers.get('x-request-id'));
}

const pointersOf = ({ body }: Answer) =>
  (body.errors as Array<{ pointer: string }>).map(({ pointer }) => pointer);
const send = (body: unknown, headers?: Record<string, string>) =>
  tested.call('POST', '/v1/notifications', body, headers);

describe('401', () => {
  const paths = ['/v1/notifications', '/trpc/notifications.list'];
  const wrong = (key: string): Array<[string, string]> => [
    ['missing', ''],
    ['without a scheme', key],
    ['another scheme', `Basic ${Buffer.from(`x:${key}`).toString('base64')}`],
    ['malformed', 'Bearer tk_x'],
    ['an unknown id', `Bearer tk_${'0'.repeat(12)}_${'a'.repeat(43)}`],
    ['a wrong secret', `Bearer ${key.slice(0, -4)}AAAA`],
    ['two keys', `Bearer ${key}, Bearer ${key}`],
    ['a very long one', `Bearer ${key}${'x'.repeat(8000)}`],
  ];
  test.each(paths)(
    '%s: any key but a good one gets the same answer, with the scheme to use',
    async (path) => {
      // A good call before: what is remembered of it must not help a wrong secret.
      expect((await tested.call('GET', path.replace(/list$/, 'list?input={}'))).status).toBe(200);
      for (const [what, authorization] of wrong(tested.key)) {
        const answer = await tested.call('GET', path, undefined, { authorization });
        expectProblem(answer, 'unauthorized');
        expect(answer.body.detail, what).toBe(errorCatalogue.unauthorized.title);
        expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      }
    },
  );

  test('a key in the query is no key', async () => {
    const path = `/v1/notifications?api_key=${tested.key}`;
    expectProblem(await tested.call('GET', path, undefined, { authorization: '' }), 'unauthorized');
  });
});

describe('404', () => {
  const unknown = 'ntf_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1';
  test.each([
    '/nothing',
    '/v1',
    '/v1/nothing',
    '/v2/notifications',
    '/trpcx',
    `/v1/notifications/${unknown}`,
    `/v1/messages/${unknown.replace('ntf', 'msg')}`,
    '/v1/recipients/nobody',
    '/v1/recipients/rcp_nobody',
  ])('%s', async (path) => {
    expectProblem(await tested.call('GET', path), 'not_found');
  });

  test('an unknown procedure', async () => {
    expectProblem(await tested.call('GET', '/trpc/notifications.nothing'), 'not_found');
    expectProblem(await tested.call('POST', '/trpc/__proto__', {}), 'not_found');
    expectProblem(await tested.call('GET', '/trpc'), 'not_found');
  });

  test('what belongs to another project does not exist: to read, cancel or extend', async () => {
    const { body } = await send(good);
    await tested.call('PUT', '/v1/recipients/ours', {});
    const authorization = `Bearer ${await tested.addProject('stranger')}`;
    const [message] = body.messages as Array<{ id: string }>;
    const as = (method: string, path: string, payload?: unknown) =>
      tested.call(method, path, payload, { authorization });
    expectProblem(await as('GET', `/v1/notifications/${body.id}`), 'not_found');
    expectProblem(await as('POST', `/v1/notifications/${body.id}/cancel`), 'not_found');
    expectProblem(await as('GET', `/v1/messages/${message?.id}`), 'not_found');
    expectProblem(await as('GET', '/v1/recipients/ours'), 'not_found');
    const device = { platform: 'fcm', token: 't' };
    expectProblem(await as('POST', '/v1/recipients/ours/devices', device), 'not_found');
    expectProblem(
      await as('POST', '/v1/notifications', { ...good, to: { recipientId: 'ours' } }),
      'recipient_not_found',
    );
    expect((await as('GET', '/v1/notifications')).body.items).toEqual([]);
    expect((await as('GET', '/v1/notifications?recipientId=ours')).body.items).toEqual([]);
  });
});

test.each([
  ['DELETE', '/v1/notifications', 'POST, GET, HEAD'],
  ['PATCH', '/v1/notifications/bulk', 'POST'],
  ['POST', '/v1/notifications/ntf_1', 'GET, HEAD'],
  ['PUT', '/v1/recipients/ada/devices', 'POST, GET, HEAD'],
  ['OPTIONS', '/v1/recipients/ada', 'PUT, GET, HEAD, DELETE'],
  ['GET', '/trpc/notifications.send', 'POST'],
  ['POST', '/trpc/notifications.list', 'GET'],
])('405: %s %s names what is allowed', async (method, path, allow) => {
  const answer = await tested.call(method, path, method === 'POST' ? {} : undefined);
  expectProblem(answer, 'method_not_allowed');
  expect(answer.headers.get('allow')).toBe(allow);
});

test.each([
  ['another type', { 'content-type': 'text/plain' }],
  ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['a multipart form', { 'content-type': 'multipart/form-data; boundary=x' }],
  ['another charset', { 'content-type': 'application/json; charset=utf-16' }],
  ['compressed', { 'content-encoding': 'gzip' }],
])('415: %s, over REST and tRPC', async (_, headers: Record<string, string>) => {
  expectProblem(await send(good, headers), 'unsupported_media_type');
  expectProblem(
    await tested.call('POST', '/trpc/notifications.send', good, headers),
    'unsupported_media_type',
  );
});

test('plain JSON may name its charset, in any case', async () => {
  expect((await send(good, { 'content-type': 'Application/JSON; Charset="UTF-8"' })).status).toBe(202);
});

test('413: a body beyond 1 MB, over REST and tRPC', async () => {
  const large = { ...good, data: { filler: 'x'.repeat(1024 * 1024) } };
  expectProblem(await send(large), 'body_too_large');
  expectProblem(await tested.call('POST', '/trpc/notifications.send', large), 'body_too_large');
});

test.each([
  ['over REST', '/v1/notifications/bulk', '', 401, 'unauthorized'],
  ['over tRPC', '/trpc/notifications.sendMany', '', 401, 'unauthorized'],
  ['with credentials that may not', '/trpc/notifications.sendMany', 'weak', 403, 'forbidden'],
  ['for a procedure that there is not', '/trpc/notifications.sendAll', 'key', 404, 'not_found'],
])('nobody has a body read that goes nowhere: %s', async (_, path, who, status, code) => {
  const weak = await tested.addKey(['read']);
  const credentials = { '': undefined, key: tested.key, weak }[who];
  let read = 0;
  const body = new ReadableStream({
    pull: (controller) => {
      read += 1;
      controller.enqueue(new Uint8Array(1_000_000).fill(0x5b));
      if (read === 9) controller.close();
    },
  });
  const headers = {
    'content-type': 'application/json',
    authorization: credentials ? `Bearer ${credentials}` : '',
  };
  const init = { method: 'POST', headers, body, duplex: 'half' };
  const response = await tested.api.fetch(new Request(`http://tidings.test${path}`, init as RequestInit));
  expect(await response.json()).toMatchObject({ status, code });
  // What the stream holds ready by itself.
  expect(read).toBeLessThanOrEqual(1);
});

describe('pointers name the place', () => {
  test.each([
    ['an unknown field', { ...good, colour: 1, 'a/b~c': 2 }, ['/colour', '/a~1b~0c']],
    ['a missing field', { content: good.content }, ['/to']],
    ['neither template nor content', { to: good.to }, ['']],
    ['both template and content', { ...good, template: 'welcome_email' }, ['']],
    ['a bad address in the union', { ...good, to: { email: 'nope', name: 'x' } }, ['/to/email']],
    ['an unknown field in the union', { ...good, to: { email: 'a@b.example', x: 1 } }, ['/to/x']],
    ['a wrong kind of recipient', { ...good, to: { recipientId: 5 } }, ['/to/recipientId']],
    [
      'nested in the union',
      { ...good, to: { device: { platform: 'apns', token: 't' } } },
      ['/to/device/platform'],
    ],
    [
      'two deep',
      { ...good, content: { email: { text: 't' }, sms: {} } },
      ['/content/email/subject', '/content/sms'],
    ],
    ['an item of a list', { ...good, channels: ['email', 'fax'] }, ['/channels/1']],
    ['a repeated item', { ...good, channels: ['email', 'email'] }, ['/channels']],
    ['an empty list', { ...good, channels: [] }, ['/channels']],
    ['several faults at once', { ...good, lane: 'x', locale: '!' }, ['/locale', '/lane']],
  ])('%s', async (_, body, pointers) => {
    const answer = await send(body);
    expectProblem(answer, 'invalid_request');
    expect(pointersOf(answer)).toEqual(pointers);
    const overTrpc = await tested.call('POST', '/trpc/notifications.send', body);
    expect(pointersOf(overTrpc)).toEqual(pointers);
  });

  test('a body of faults does not make a larger answer', async () => {
    const fields = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`field${index}`, 1]));
    const answer = await send(fields);
    expectProblem(answer, 'invalid_request');
    expect(pointersOf(answer)).toHaveLength(100);
    const nul = await send(`{"data":[${'"\\u0000",'.repeat(100_000)}1]}`);
    expectProblem(nul, 'invalid_json');
    expect(pointersOf(nul)).toHaveLength(100);
  });
});

test.each([
  ['template_not_found', { to: good.to, template: 'nope' }, ['/template']],
  ['recipient_not_found', { ...good, to: { recipientId: 'nobody' } }, ['/to/recipientId']],
  [
    'invalid_variables',
    { to: good.to, template: 'welcome_email', data: { name: '' } },
    ['/data/name', '/data/link'],
  ],
  [
    'invalid_template',
    { ...good, content: { email: { subject: '{{', text: 't' } } },
    ['/content/email/subject'],
  ],
  [
    'channel_without_content',
    { to: good.to, template: 'welcome_email', data, channels: ['push'] },
    ['/channels/0'],
  ],
  ['invalid_time', { ...good, sendAt: '2020-01-01T00:00:00Z' }, ['/sendAt']],
] as const)('422 %s', async (code, body, pointers) => {
  const answer = await send(body);
  expectProblem(answer, code);
  expect(pointersOf(answer)).toEqual(pointers);
});

test('429: beyond the limit a key is told when to come back, and other keys are not concerned', async () => {
  const limited = await openTestApi({ env: { API_RATE_LIMIT: '3' } });
  const list = (headers?: Record<string, string>) =>
    limited.call('GET', '/v1/notifications', undefined, headers);
  const answers = await Promise.all(Array.from({ length: 8 }, () => list()));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(5);
  for (const answer of refused) {
    expectProblem(answer, 'rate_limited');
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.headers.get('ratelimit-limit')).toBe('3');
    expect(answer.headers.get('ratelimit-remaining')).toBe('0');
    expect(answer.headers.get('ratelimit-reset')).toBe('1');
  }
  expect(answers.find(({ status }) => status === 200)?.headers.get('ratelimit-limit')).toBe('3');
  expectProblem(await limited.call('GET', '/trpc/notifications.list?input={}'), 'rate_limited');
  const other = await limited.addKey(['read']);
  expect((await list({ authorization: `Bearer ${other}` })).status).toBe(200);
  await limited.close();
});

test('503: while the record is locked nothing is accepted or changed, and afterwards all is as before', async () => {
  const { body } = await send(good);
  const release = await tested.lockRecord();
  const answers = [
    await send(good),
    await tested.call('PUT', '/v1/recipients/ada', {}),
    await tested.call('POST', `/v1/notifications/${body.id}/cancel`),
    await tested.call('POST', '/trpc/notifications.send', good),
  ];
  await release();
  for (const answer of answers) {
    expectProblem(answer, 'unavailable');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect((await send(good)).status).toBe(202);
  expect((await tested.call('GET', `/v1/notifications/${body.id}`)).body.status).toBe('accepted');
});

test('500: a fault of ours tells nothing of itself', async () => {
  const broken = await openTestApi({
    changeStore: () => ({ getNotification: () => Promise.reject(new Error('secret detail')) }),
  });
  const path = '/v1/notifications/ntf_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1';
  const answer = await broken.call('GET', path);
  expectProblem(answer, 'internal');
  expect(answer.text).not.toContain('secret');
  await broken.close();
});

describe('under /trpc', () => {
  test("the document carries tRPC's own error beside it", async () => {
    const answer = await tested.call('POST', '/trpc/notifications.send', { to: good.to });
    expectProblem(answer, 'invalid_request');
    expect(answer.body.error).toMatchObject({
      code: -32600,
      data: {
        code: 'BAD_REQUEST',
        httpStatus: 400,
        path: 'notifications.send',
        problem: { code: 'invalid_request' },
      },
    });
  });

  test('the typed client finds the document of every kind of error', async () => {
    const { url } = await tested.listen();
    const codeOf = async (work: Promise<unknown>) =>
      problemOf(await work.catch((error: unknown) => error))?.code;
    const tidings = createTidings({ url, apiKey: tested.key });
    const { notifications, messages } = tidings;
    expect(await codeOf(notifications.send.mutate({ to: good.to }))).toBe('invalid_request');
    expect(await codeOf(notifications.send.mutate({ to: good.to, template: 'nope' }))).toBe(
      'template_not_found',
    );
    expect(await codeOf(messages.get.query({ id: '1' }))).toBe('invalid_request');
    const large = { ...good, data: { filler: 'x'.repeat(2_000_000) } };
    expect(await codeOf(notifications.send.mutate(large))).toBe('body_too_large');
    const stranger = createTidings({ url, apiKey: 'nonsense' });
    expect(await codeOf(stranger.notifications.list.query({}))).toBe('unauthorized');
    const release = await tested.lockRecord();
    expect(await codeOf(notifications.send.mutate(good))).toBe('unavailable');
    await release();
    expect(await codeOf(notifications.send.mutate(good))).toBeUndefined();
  });

  test.each([
    ['POST', '/trpc/notifications.send?batch=1', { 0: good }],
    ['POST', '/trpc/notifications.send,notifications.send?batch=1', { 0: good, 1: good }],
    ['GET', '/trpc/notifications.list?batch=1&input={"0":{}}', undefined],
  ])('a batch is refused: %s %s', async (method, path, body) => {
    expectProblem(await tested.call(method, path, body), 'invalid_request');
  });

  test('a call that asks for a stream gets an answer, not a stream', async () => {
    const answer = await tested.call('GET', '/trpc/notifications.list?input={}', undefined, {
      'trpc-accept': 'application/jsonl',
    });
    expectProblem(answer, 'invalid_request');
  });

  test.each([
    ['no JSON', 'input=%7B'],
    ['nested too deep', `input=${encodeURIComponent('['.repeat(33) + ']'.repeat(33))}`],
    ['a NUL', `input=${encodeURIComponent('{"recipientId":"a\\u0000b"}')}`],
    ['a key twice', `input=${encodeURIComponent('{"limit":1,"limit":2}')}`],
  ])("a query's input obeys the rules of a body: %s", async (_, query) => {
    expectProblem(await tested.call('GET', `/trpc/notifications.list?${query}`), 'invalid_json');
  });
});

test('a recipient has at most 100 devices; registering one of them again is fine', async () => {
  await tested.call('PUT', '/v1/recipients/collector', {});
  const register = (token: string) =>
    tested.call('POST', '/v1/recipients/collector/devices', { platform: 'fcm', token });
  for (let count = 0; count < 100; count += 1) expect((await register(`t${count}`)).status).toBe(201);
  expectProblem(await register('one-more'), 'too_many_devices');
  expect((await register('t7')).status).toBe(201);
});
