import { createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { exchange, openTestApi, type TestApi } from '../../../test/support/api.ts';
import { type HttpServer, serveHttp } from './index.ts';

let tested: TestApi;
let server: HttpServer;
beforeAll(async () => {
  tested = await openTestApi();
  // The API behind short limits, so that what never ends is seen to end.
  server = await serveHttp({
    fetch: tested.api.fetch,
    host: '127.0.0.1',
    port: 0,
    headersTimeoutMs: 300,
    requestTimeoutMs: 600,
  });
});
afterAll(async () => {
  await server.stop();
  await tested.close();
});

const body = JSON.stringify({
  to: { email: 'a@example.com' },
  content: { email: { subject: 's', text: 't' } },
});
const post = (headers: string[], payload = '') =>
  [
    'POST /v1/notifications HTTP/1.1',
    'Host: tidings.test',
    'Content-Type: application/json',
    `Authorization: Bearer ${tested.key}`,
    ...headers,
    '',
    payload,
  ].join('\r\n');
const chunked = (payload: string) => `${payload.length.toString(16)}\r\n${payload}\r\n0\r\n\r\n`;

/** Whatever came before, the next request is answered. */
afterEach(async () => {
  const answer = await exchange(
    server.url,
    post([`Content-Length: ${body.length}`, 'Connection: close'], body),
  );
  expect(answer).toMatch(/^HTTP\/1\.1 202 /);
});

/** The first answer of an exchange is this problem document. */
function expectProblem(received: string, status: number, code: string): void {
  const [head = '', ...rest] = received.split('\r\n\r\n');
  expect(head.split('\r\n')[0]).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(head.toLowerCase()).toContain('content-type: application/problem+json');
  const document = /\{"type".*?"requestId":"[^"]*"[^}]*\}?/s.exec(rest.join('\r\n\r\n'))?.[0] ?? '';
  expect(document).toContain(`"code":"${code}"`);
  expect(document).toContain(`"status":${status}`);
}

describe('what is not good HTTP is answered with a problem document', () => {
  test.each([
    [
      'both a length and chunks',
      () => post(['Content-Length: 4', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    ],
    ['two lengths', () => post(['Content-Length: 4', 'Content-Length: 5'], 'xxxxx')],
    ['a length that is no number', () => post(['Content-Length: many'])],
    ['a negative length', () => post(['Content-Length: -1'])],
    ['another transfer coding', () => post(['Transfer-Encoding: chunked, identity'], chunked(body))],
    ['a broken chunk', () => post(['Transfer-Encoding: chunked'], 'zz\r\n')],
    ['a line break in a header', () => post(['X-A: a\rb'])],
    ['a NUL in a header', () => post(['X-A: a\0b'])],
    ['white space before the colon', () => post(['X-A : b'])],
    ['no HTTP at all', () => 'hello there\r\n\r\n'],
    ['TLS', () => Buffer.from('16030100c2010000be0303', 'hex')],
    ['HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['no host', () => 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['a host that is none', () => 'GET /health HTTP/1.1\r\nHost: a b/c@d\r\nConnection: close\r\n\r\n'],
    ['a target that is none', () => 'GET health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    [
      'an absolute target that is none',
      () => 'GET http://[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    ],
    ['a backslash in the path', () => 'GET /v1\\..\\x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    ['an expectation nobody has', () => post(['Expect: the-unexpected', 'Content-Length: 0'])],
  ])('%s', async (_, bytes) => {
    expectProblem(await exchange(server.url, bytes()), 400, 'malformed_request');
  });

  test('headers beyond 16 kB', async () => {
    const headers = Array.from({ length: 40 }, (_, index) => `X-${index}: ${'x'.repeat(1000)}`);
    expectProblem(await exchange(server.url, post(headers)), 431, 'headers_too_large');
  });

  test('a path beyond 16 kB', async () => {
    const bytes = `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`;
    expectProblem(await exchange(server.url, bytes), 431, 'headers_too_large');
  });
});

describe('what never ends is bounded', () => {
  test('headers that never end', async () => {
    expectProblem(await exchange(server.url, 'GET / HTTP/1.1\r\nX-A: b\r\n'), 408, 'request_timeout');
  });

  test('a connection that says nothing', async () => {
    expectProblem(await exchange(server.url, ''), 408, 'request_timeout');
  });

  test('a body that never ends', async () => {
    const received = await exchange(server.url, post(['Content-Length: 1000'], '{"to":'));
    expectProblem(received, 408, 'request_timeout');
  });

  test('chunks that never end', async () => {
    const received = await exchange(server.url, post(['Transfer-Encoding: chunked'], '1\r\n{\r\n'));
    expectProblem(received, 408, 'request_timeout');
  });
});

describe('bodies', () => {
  const close = 'Connection: close';

  test('100 MB announced: refused before they arrive', async () => {
    const received = await exchange(server.url, post([`Content-Length: ${100_000_000}`, close], '{'), {
      until: /"requestId":"[^"]+"/,
    });
    expectProblem(received, 413, 'body_too_large');
  });

  test('100 MB on a connection that is kept alive: it is not kept', async () => {
    const received = await exchange(server.url, post([`Content-Length: ${100_000_000}`], '{'));
    expectProblem(received, 413, 'body_too_large');
  });

  test('chunks beyond 1 MB: refused as soon as they are', async () => {
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const received = await exchange(server.url, [
      post(['Transfer-Encoding: chunked', close]),
      ...Array.from({ length: 20 }, () => chunk),
    ]);
    expectProblem(received, 413, 'body_too_large');
  });

  test('chunks without a type: refused, not dropped', async () => {
    const bytes = post(['Transfer-Encoding: chunked', close], chunked(body)).replace(
      'Content-Type: application/json\r\n',
      '',
    );
    expectProblem(await exchange(server.url, bytes), 415, 'unsupported_media_type');
  });

  test('compressed', async () => {
    const received = await exchange(
      server.url,
      post(['Content-Encoding: gzip', 'Content-Length: 2', close], '{}'),
    );
    expectProblem(received, 415, 'unsupported_media_type');
  });

  test('nothing', async () => {
    expectProblem(await exchange(server.url, post(['Content-Length: 0', close])), 400, 'invalid_json');
  });

  test('more than announced: the rest is another request, and a bad one', async () => {
    const received = await exchange(
      server.url,
      post([`Content-Length: ${body.length}`], `${body}{}\r\n\r\n`),
    );
    expect(received).toMatch(/^HTTP\/1\.1 202 /);
    expect(received).toContain('HTTP/1.1 400 ');
  });

  test('chunks are as good as a length', async () => {
    const received = await exchange(server.url, post(['Transfer-Encoding: chunked', close], chunked(body)));
    expect(received).toMatch(/^HTTP\/1\.1 202 /);
  });

  test('a client that leaves in the middle of its body is no fault of ours', async () => {
    await exchange(server.url, post(['Content-Length: 1000'], '{"to":'), { hangUp: true });
    const refused = async () => (await tested.metrics.refused.get()).values;
    await expect
      .poll(async () => (await refused()).map(({ labels }) => labels.code))
      .toContain('malformed_request');
    expect((await refused()).map(({ labels }) => labels.code)).not.toContain('internal');
  });
});

test.each([
  [
    'an absolute target',
    200,
    'GET http://elsewhere.example/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  ],
  ['HTTP/1.0 without a host', 200, 'GET /health HTTP/1.0\r\n\r\n'],
  ['HEAD', 200, 'HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
  ['TRACE', 405, 'TRACE /v1/notifications HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
  ['the asterisk', 400, 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
  ['%2e%2e', 404, 'GET /docs/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
  ['dots', 404, 'GET /docs/../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
  ['%00', 404, 'GET /docs/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
])('%s is answered %i', async (_, status, bytes) => {
  const received = await exchange(server.url, bytes);
  expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  if (status >= 400) expect(received).toContain('application/problem+json');
});

test('a line break in an idempotency key makes no header and no notification', async () => {
  const received = await exchange(
    server.url,
    post(
      ['Idempotency-Key: a\r\nX-Injected: b c: d', `Content-Length: ${body.length}`, 'Connection: close'],
      body,
    ),
  );
  expect(received).not.toContain('X-Injected');
});

describe('stop', () => {
  test('lets a running request finish, and does not wait for idle or silent connections', async () => {
    const { promise: mayAnswer, resolve: answerNow } = Promise.withResolvers<void>();
    const { promise: arrived, resolve: hasArrived } = Promise.withResolvers<void>();
    const slow = await serveHttp({
      fetch: async () => {
        hasArrived();
        await mayAnswer;
        return new Response('done');
      },
      host: '127.0.0.1',
      port: 0,
      graceMs: 500,
    });
    const silent = exchange(slow.url, 'GET / HTTP/1.1\r\n');
    const running = exchange(slow.url, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await arrived;
    const stopped = slow.stop();
    await expect(fetch(slow.url)).rejects.toThrow();
    answerNow();
    expect(await running).toContain('done');
    await stopped;
    expect(await silent).toBe('');
  });

  test('a port that is taken fails the start', async () => {
    const taken: Server = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    await expect(serveHttp({ fetch: () => new Response(), host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    taken.close();
  });
});
