import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { type HttpServer, serveHttp } from '@tidings/runtime';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { exchange, openTestApi, type TestApi } from '../support/api.ts';
import { fuzzRuns } from '../support/fuzz.ts';

let tested: TestApi;
let server: HttpServer;
beforeAll(async () => {
  tested = await openTestApi();
  // The API behind short limits, so that what never ends is seen to end.
  server = await serveHttp({
    fetch: tested.api.fetch,
    host: '127.0.0.1',
    port: 0,
    headersTimeoutMs: 400,
    requestTimeoutMs: 800,
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
const length = `Content-Length: ${body.length}`;
const chunks = 'Transfer-Encoding: chunked';
const close = 'Connection: close';

/** A request in its bytes; what follows the header is given as it is. */
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
const chunked = (payload: string, { extension = '', trailer = '' } = {}) =>
  `${payload.length.toString(16)}${extension}\r\n${payload}\r\n0\r\n${trailer}\r\n`;

/** Whatever came before, the next request is answered. */
afterEach(async () => {
  expect(await exchange(server.url, post([length, close], body))).toMatch(/^HTTP\/1\.1 202 /);
});

/** The answers of a connection: each status, and for those of 400 and above that a document of theirs is there. */
function statusesOf(received: string): number[] {
  const statuses = [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  const refused = statuses.filter((status) => status >= 400).length;
  expect(received.match(/content-type: application\/problem\+json/gi)?.length ?? 0).toBe(refused);
  expect(received).not.toMatch(/node_modules|\n\s+at /);
  return statuses;
}

/** How many notifications the record holds: what was smuggled in would be one more. */
async function stored(): Promise<number> {
  let count = 0;
  let after: unknown = null;
  do {
    const page = await tested.call(
      'GET',
      `/v1/notifications?limit=100${after === null ? '' : `&after=${after}`}`,
    );
    count += (page.body.items as unknown[]).length;
    after = page.body.after;
  } while (after !== null);
  return count;
}

describe('a request whose end is in doubt makes no notification, and what follows it no request', () => {
  const smuggled = () => post([length, close], body);
  test.each<[string, () => string]>([
    ['a length before chunks', () => post(['Content-Length: 5', chunks], `0\r\n\r\n${smuggled()}`)],
    [
      'chunks before a length',
      () => post([chunks, `Content-Length: ${body.length}`], `0\r\n\r\n${smuggled()}`),
    ],
    ['chunks twice', () => post([chunks, chunks], `0\r\n\r\n${smuggled()}`)],
    ['chunks in other words', () => post(['Transfer-Encoding: xchunked', length], `${body}${smuggled()}`)],
    ['chunks after a tab', () => post(['Transfer-Encoding:\tchunked', length], `0\r\n\r\n${smuggled()}`)],
    [
      'chunks behind a vertical tab',
      () => post(['Transfer-Encoding: \vchunked', length], `0\r\n\r\n${smuggled()}`),
    ],
    [
      'chunks and identity',
      () => post(['Transfer-Encoding: identity, chunked, identity'], `0\r\n\r\n${smuggled()}`),
    ],
    ['two lengths in one', () => post(['Content-Length: 0, 5'], smuggled())],
    ['a length with a sign', () => post(['Content-Length: +5'], smuggled())],
    ['a length in hexadecimal', () => post(['Content-Length: 0x5'], smuggled())],
    ['a length beyond any integer', () => post([`Content-Length: ${'9'.repeat(40)}`], smuggled())],
    ['a folded header', () => post(['X-A: b\r\n c: d', 'Content-Length: 0'], smuggled())],
    ['a header without a name', () => post([': x', 'Content-Length: 0'], smuggled())],
    [
      'a line feed alone',
      () => post(['X-A: b\nTransfer-Encoding: chunked', 'Content-Length: 0'], smuggled()),
    ],
    ['a chunk size that overflows', () => post([chunks], `${'f'.repeat(17)}\r\n${smuggled()}`)],
    ['a chunk size with a sign', () => post([chunks], `-1\r\n${smuggled()}`)],
    ['a chunk size with 0x', () => post([chunks], `0x5\r\nhello\r\n0\r\n\r\n${smuggled()}`)],
    ['a chunk without its line break', () => post([chunks], `1\r\n{}0\r\n\r\n${smuggled()}`)],
    ['a length in the trailer', () => post([chunks], chunked(body, { trailer: 'Content-Length: 5\r\n' }))],
    ['a chunk extension with a line feed', () => post([chunks], `2;a=\nb\r\n{}\r\n0\r\n\r\n${smuggled()}`)],
  ])('%s', async (_, bytes) => {
    const before = await stored();
    const statuses = statusesOf(await exchange(server.url, bytes()));
    expect(statuses).toEqual([400]);
    expect(await stored()).toBe(before);
  });
});

describe('what looks odd and is good HTTP is answered as any request', () => {
  test.each<[string, () => string | string[]]>([
    ['one octet at a time', () => [...post([length, close], body)]],
    [
      'a chunk for each octet',
      () => post([chunks, close], `${[...body].map((octet) => `1\r\n${octet}\r\n`).join('')}0\r\n\r\n`),
    ],
    ['a chunk extension', () => post([chunks, close], chunked(body, { extension: ';a="b;c"' }))],
    ['a trailer', () => post([chunks, close], chunked(body, { trailer: 'X-A: b\r\n' }))],
    ['a chunk size with zeros before it', () => post([chunks, close], `000${chunked(body)}`)],
    ['empty lines before it', () => `\r\n\r\n${post([length, close], body)}`],
    ['header names in any case', () => post([length.toUpperCase(), close.toLowerCase()], body)],
    ['an expectation to go on', () => post([length, close, 'Expect: 100-continue'], body)],
  ])('%s', async (_, bytes) => {
    expect(statusesOf(await exchange(server.url, bytes())).filter((status) => status !== 100)).toEqual([202]);
  });

  test('requests in a row on one connection are answered in their order, each once', async () => {
    const before = await stored();
    const bad = post([`Content-Length: 2`], '[]');
    const all = [post([length], body), bad, post([chunks], chunked(body)), bad, post([length, close], body)];
    expect(statusesOf(await exchange(server.url, all.join('')))).toEqual([202, 400, 202, 400, 202]);
    expect(await stored()).toBe(before + 3);
  });

  test('a thousand requests at once on one connection are all answered', async () => {
    const one = 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n';
    const last = 'GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const statuses = statusesOf(await exchange(server.url, one.repeat(999) + last));
    expect(statuses).toEqual(Array(1000).fill(200));
  });
});

describe('what is compressed, too much or too slow is refused within bounds', () => {
  const bomb = gzipSync(Buffer.alloc(20_000_000, ' '));
  test.each(['gzip', 'GZIP', 'x-gzip', 'deflate', 'br', 'identity, gzip', 'gzip, gzip'])(
    'a body of 20 MB in 20 kB, called %s, is not unpacked',
    async (coding) => {
      const head = post([`Content-Encoding: ${coding}`, `Content-Length: ${bomb.length}`, close]);
      expect(statusesOf(await exchange(server.url, [head, bomb]))).toEqual([415]);
    },
  );

  test('a compressed body that does not say so is no JSON', async () => {
    expect(
      statusesOf(await exchange(server.url, [post([`Content-Length: ${bomb.length}`, close]), bomb])),
    ).toEqual([400]);
  });

  test.each([
    ['5,000 short headers', Array.from({ length: 5000 }, (_, index) => `a${index}:`)],
    ['5,000 times the same header', Array.from({ length: 5000 }, () => 'X-A: b')],
    ['one header of a megabyte', [`X-A: ${'x'.repeat(1_000_000)}`]],
    ['a header name of a megabyte', [`${'x'.repeat(1_000_000)}: a`]],
  ])('%s', async (_, headers) => {
    expect(statusesOf(await exchange(server.url, post([...headers, length, close], body)))).toEqual([431]);
  });

  test('chunk extensions that never end', async () => {
    const received = await exchange(server.url, [post([chunks]), `1;${'x'.repeat(100_000)}`]);
    expect(statusesOf(received)).toEqual([400]);
  });

  test('trailers that never end', async () => {
    const trailer = Array.from({ length: 3000 }, (_, index) => `X-${index}: ${'x'.repeat(20)}\r\n`).join('');
    const [status] = statusesOf(await exchange(server.url, post([chunks], chunked(body, { trailer }))));
    expect([400, 431]).toContain(status);
  });

  test('one octet of the header every 50 ms, by fifty clients at once', async () => {
    const received = await Promise.all(
      Array.from({ length: 50 }, () => drip(server.url, post([length], body), 50)),
    );
    expect(received.map((text) => statusesOf(text))).toEqual(Array(50).fill([408]));
  });

  test('one octet of the body every 50 ms', async () => {
    const head = post([length]);
    expect(statusesOf(await drip(server.url, head, 0, 50, body))).toEqual([408]);
  });
});

/** Any request with some of its bytes changed, missing, doubled or in another order. */
const damaged = fc
  .record({
    framing: fc.constantFrom(
      [length],
      [chunks],
      [length, 'Expect: 100-continue'],
      ['Connection: upgrade', 'Upgrade: h2c', length],
    ),
    edits: fc.array(
      fc.record({
        at: fc.nat({ max: 600 }),
        remove: fc.nat({ max: 20 }),
        insert: fc.oneof(
          fc.constantFrom(
            '\r',
            '\n',
            '\r\n',
            '\0',
            ' ',
            '\t',
            ':',
            '\r\n\r\n',
            'Content-Length: 1\r\n',
            'ÿ',
            'HTTP/1.1',
            '0\r\n',
          ),
          fc.string({ maxLength: 10 }),
        ),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    cut: fc.option(fc.nat({ max: 600 }), { nil: undefined }),
    split: fc.nat({ max: 600 }),
  })
  .map(({ framing, edits, cut, split }) => {
    const whole = post([...framing, close], framing.includes(chunks) ? chunked(body) : body);
    const edited = edits.reduce(
      (text, { at, remove, insert }) => text.slice(0, at) + insert + text.slice(at + remove),
      whole,
    );
    const bytes = Buffer.from(edited.slice(0, cut), 'latin1');
    return [bytes.subarray(0, split), bytes.subarray(split)];
  });

test('requests damaged anywhere are answered with a status below 500 or end with the connection', async () => {
  // Some wait for their time to be over, so they come in crowds.
  await fc.assert(
    fc.asyncProperty(fc.array(damaged, { minLength: 30, maxLength: 40 }), async (crowd) => {
      const received = await Promise.all(crowd.map((parts) => exchange(server.url, parts)));
      for (const text of received) for (const status of statusesOf(text)) expect(status).toBeLessThan(500);
    }),
    { ...fuzzRuns(6), endOnFailure: true },
  );
});

/** Sends `head` and then `rest` octet by octet, with pauses, until the other side closes. */
function drip(url: string, head: string, headEveryMs: number, restEveryMs = 0, rest = ''): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    let received = '';
    const slow = headEveryMs > 0 ? [...head] : [...rest];
    if (headEveryMs === 0) socket.write(head);
    const timer = setInterval(() => socket.write(slow.shift() ?? ' '), headEveryMs || restEveryMs);
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      resolve(received);
    });
  });
}
