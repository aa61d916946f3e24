import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sendManyOutput } from '@tidings/contracts';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Answer, allOperations, openTestApi, type TestApi } from '../support/api.ts';
import { fuzzRuns } from '../support/fuzz.ts';
import { expectRefusal } from './honest-answer.ts';
import { hostileText } from './hostile.ts';

let tested: TestApi;
const good = { to: { email: 'a@example.com' }, content: { email: { subject: 's', text: 't' } } };

beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

/** Whatever came before, the next request is answered as if nothing had been. */
afterEach(async () => {
  expect((await tested.call('POST', '/v1/notifications', good)).status).toBe(202);
});

/** What may stand in a header at all (RFC 9110 §5.5); sockets.test.ts has the rest. */
const headerValue = fc
  .oneof(hostileText, fc.string({ unit: 'binary', maxLength: 300 }))
  .filter((text) => /^[\t\x20-\x7e\x80-\xff]*$/.test(text));

const either = (...known: string[]) =>
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...known) }, headerValue);

const headers = fc.record(
  {
    authorization: either(
      'Bearer',
      'Bearer ',
      'Basic YTpi',
      'Bearer tk_aaaaaaaaaaaa_',
      `Bearer tk_aaaaaaaaaaaa_${'s'.repeat(40)}`,
      `Bearer tk_${'a'.repeat(5000)}_${'s'.repeat(5000)}`,
      'Bearer eyJhbGciOiJub25lIn0.e30.',
      'bearer\ttk',
    ),
    'content-type': either(
      'application/json',
      'APPLICATION/JSON; CHARSET=UTF-8',
      'application/json; charset=utf-16',
      'application/json;;;',
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
      'application/octet-stream',
      '/',
    ),
    'content-encoding': either('gzip', 'identity', 'br, gzip', 'nosuch'),
    'idempotency-key': either('', '""', '"', '"a"', 'a b', 'x'.repeat(256), '"'.repeat(257)),
    accept: either('application/jsonl', 'text/event-stream', 'text/html', '*/*;q=nan'),
    'trpc-accept': either('application/jsonl', 'application/json'),
    'x-trpc-source': headerValue,
    'last-event-id': headerValue,
    'x-http-method-override': either('DELETE', 'GET'),
    'x-forwarded-host': headerValue,
    'x-request-id': headerValue,
    origin: either('null', 'http://evil.example'),
    range: either('bytes=0-0', 'bytes=9-1'),
    'if-none-match': either('*'),
    cookie: headerValue,
  },
  { requiredKeys: [], noNullPrototype: true },
);

const segment = fc
  .oneof(
    fc.constantFrom(
      'v1',
      'trpc',
      'notifications',
      'recipients',
      'messages',
      'bulk',
      'cancel',
      'devices',
      'docs',
    ),
    fc.constantFrom(
      'health',
      'ready',
      'metrics',
      'openapi.json',
      'notifications.send',
      'notifications.list',
      '',
    ),
    fc.constantFrom(
      '__proto__',
      'constructor',
      'notifications.send,messages.get',
      'notifications',
      'toString.call',
    ),
    hostileText.map(encoded),
    fc.constantFrom(
      '%zz',
      '%',
      '%ff',
      '%2f',
      '%5c',
      '%2e%2e',
      '%00',
      '%0d%0a',
      '%c0%ae',
      '%u0041',
      ';a=b',
      '*',
      '@',
    ),
  )
  .filter((text) => text.length < 5000);

const query = fc.oneof(
  fc.constant(''),
  fc
    .array(
      fc.tuple(
        fc.constantFrom(
          'limit',
          'input',
          'batch',
          'after',
          'status',
          'connectionParams',
          '__proto__',
          'a[]',
          '',
        ),
        fc.oneof(
          hostileText.map(encoded),
          fc.constantFrom('1', '{}', '{"0":{}}', 'null', '[', '%', '%ff', '+'),
        ),
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((pairs) => `?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`),
);

/** Paths that exist, with hostile parameters, and paths that nobody has thought of. */
const target = fc
  .tuple(
    fc.oneof(
      fc
        .tuple(fc.constantFrom(...allOperations), segment)
        .map(([operation, value]) => operation.path.replaceAll(/\{\w+\}/g, () => value)),
      fc.constantFrom(...allOperations.map(({ name }) => `/trpc/${name}`)),
      fc.array(segment, { maxLength: 6 }).map((segments) => `/${segments.join('/')}`),
    ),
    query,
  )
  .map((parts) => parts.join(''))
  .filter((text) => URL.canParse(text, 'http://tidings.test'));

const method = fc.constantFrom(
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'QUERY',
  'get',
  'X-Y',
);

const body = fc.oneof(
  fc.constant(JSON.stringify(good)),
  fc.constantFrom('', '{', '[]', 'null', '{"0":{}}', '{"json":{}}'),
  fc.string({ unit: 'binary' }),
  fc.uint8Array({ maxLength: 200 }),
);

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function expectAnswered(answer: Answer, asked: string): void {
  expect(answer.status, answer.text).toBeLessThan(500);
  if (answer.status >= 400 && asked !== 'HEAD') expectRefusal(answer);
  if (answer.status >= 300 && answer.status < 400) expect(answer.headers.get('location')).toBe('/docs');
  expect(answer.headers.has('x-injected')).toBe(false);
}

test('any method on any path with any query is answered, with a problem document where it is refused', async () => {
  await fc.assert(
    fc.asyncProperty(method, target, async (asked, path) => {
      expectAnswered(await tested.call(asked, path), asked);
    }),
    fuzzRuns(800),
  );
});

test('any headers on any path are answered, with a problem document where it is refused', async () => {
  await fc.assert(
    fc.asyncProperty(
      method,
      target,
      headers,
      fc.option(body, { nil: undefined }),
      async (asked, path, given, sent) => {
        const bodiless = ['GET', 'get', 'HEAD'].includes(asked);
        expectAnswered(await tested.call(asked, path, bodiless ? undefined : sent, given), asked);
      },
    ),
    fuzzRuns(800),
  );
});

test('any headers beside a good request: it is done as asked, or refused with a problem document', async () => {
  const calls = [
    ['POST', '/v1/notifications', good, 202],
    ['POST', '/trpc/notifications.send', good, 200],
    ['GET', '/v1/notifications?limit=1', undefined, 200],
    ['GET', '/trpc/notifications.list', undefined, 200],
    ['GET', '/trpc/messages.get?input={"id":"msg_1"}', undefined, 400],
  ] as const;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...calls), headers, async ([asked, path, sent, status], given) => {
      const answer = await tested.call(asked, path, sent, given);
      if (answer.status !== status || status >= 400) expectRefusal(answer);
      else expect(answer.headers.get('content-type')).toBe('application/json');
    }),
    fuzzRuns(600),
  );
});

test('a body of any bytes is read or refused', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('/v1/notifications', '/v1/notifications/bulk', '/trpc/notifications.send'),
      body,
      async (path, sent) => {
        const answer = await tested.call('POST', path, sent);
        if (answer.status !== 202 && answer.status !== 200) expectRefusal(answer);
      },
    ),
    fuzzRuns(400),
  );
});

test('a bulk request to a recipient with 100 devices stores one message for each', async () => {
  await tested.call('PUT', '/v1/recipients/many', {});
  for (let index = 0; index < 100; index += 1) {
    await tested.call('POST', '/v1/recipients/many/devices', { platform: 'fcm', token: `device-${index}` });
  }
  const push = { to: { recipientId: 'many' }, content: { push: { title: 't', body: 'b' } } };
  const answer = await tested.call('POST', '/v1/notifications/bulk', { items: Array(100).fill(push) });
  expect(answer.status).toBe(202);
  const { items } = sendManyOutput.parse(answer.body);
  expect(items.map((item) => ('messages' in item ? item.messages.length : item.error.code))).toEqual(
    Array(100).fill(100),
  );
});

test('thousands of refused requests leave the memory as it was', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heap = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const requests = fc.sample(fc.tuple(method, target, headers, body), 200);
  const round = async () => {
    for (const [asked, path, given, sent] of requests) {
      const bodiless = ['GET', 'get', 'HEAD'].includes(asked);
      await tested.call(asked, path, bodiless ? undefined : sent, given);
      await tested.call('POST', '/v1/notifications', { ...good, metadata: { [path]: [asked] }, [path]: 1 });
    }
  };
  for (let warmUp = 0; warmUp < 3; warmUp += 1) await round();
  const before = heap();
  for (let repeat = 0; repeat < 10; repeat += 1) await round();
  expect(heap() - before).toBeLessThan(20_000_000);
});
