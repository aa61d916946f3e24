import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { makeCertificate } from '../../../../test/support/certificate.ts';
import { type HttpSink, type HttpSinkOptions, startHttpSink } from '../../../../test/support/http-sink.ts';
import { until } from '../../../../test/support/until.ts';
import { createHttpClient, type HttpClient, type HttpClientOptions } from './http-client.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop();
});

async function sinkOf(options: HttpSinkOptions = {}): Promise<HttpSink> {
  const sink = await startHttpSink(({ path }) => ({ status: 200, body: path }), options);
  running.push(sink);
  return sink;
}

function clientOf(options: HttpClientOptions = {}): HttpClient {
  const client = createHttpClient({ closeTimeoutMs: 100, ...options });
  running.push({ stop: client.close });
  return client;
}

/** A server of TCP that does with each connection what it is told. */
async function tcpServer(onSocket: (socket: Socket) => void): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    onSocket(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  running.push({
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const secret = 's3cret-key';
const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
const post = (client: HttpClient, url: string, body: string | Buffer = '{}') =>
  client.request({ url, headers, body });

describe('a reply', () => {
  test('is status, headers and body, whatever the status', async () => {
    const sink = await sinkOf({ answer: () => ({ status: 422, headers: { 'x-one': '1' }, body: 'no' }) });
    const reply = await post(clientOf(), `${sink.url}/v3/send?a=b`, '{"to":1}');
    expect(reply).toMatchObject({ status: 422, headers: { 'x-one': '1' }, body: 'no' });
    expect(sink.requests).toMatchObject([{ method: 'POST', path: '/v3/send?a=b', json: { to: 1 }, headers }]);
  });

  test('is asked for with GET where there is no body', async () => {
    const sink = await sinkOf();
    const client = clientOf();
    expect(await client.request({ url: `${sink.url}/scopes`, headers })).toMatchObject({ body: '/scopes' });
    expect(sink.requests[0]?.method).toBe('GET');
  });

  test.each([301, 302, 307, 308])('of %i is not followed', async (status) => {
    const target = await sinkOf();
    const location = `${target.url}/elsewhere`;
    const sink = await sinkOf({ answer: () => ({ status, headers: { location } }) });
    expect(await post(clientOf(), sink.url)).toMatchObject({ status, headers: { location } });
    expect(target.requests).toEqual([]);
  });

  test('without end is cut, and its connection dropped', async () => {
    const sink = await sinkOf({ answer: (count) => (count === 1 ? 'endless' : undefined) });
    const client = clientOf();
    const { status, body } = await post(client, sink.url);
    expect([status, body.length]).toEqual([200, 65_536]);
    await until(
      () => sink.connections.open,
      (open) => open === 0,
    );
    expect(sink.pouredBytes).toBeLessThan(10_000_000);
    expect(await post(client, `${sink.url}/next`)).toMatchObject({ body: '/next' });
  });

  test('that is compressed is not inflated', async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000));
    const sink = await sinkOf({
      answer: () => ({ status: 200, headers: { 'content-encoding': 'gzip' }, body: bomb }),
    });
    const { body } = await post(clientOf(), sink.url);
    expect(body.length).toBeLessThanOrEqual(bomb.length);
    expect(sink.requests[0]?.headers).not.toHaveProperty('accept-encoding');
  });

  test('that breaks off after its head counts by its status', async () => {
    const sink = await sinkOf({ answer: () => 'half' });
    expect(await post(clientOf(), sink.url)).toMatchObject({ status: 200, body: '{"id": "' });
  });

  test('whose body does not end in time counts by its status', async () => {
    const where = await tcpServer((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\n\r\nbegun'));
    });
    const client = clientOf({ totalTimeoutMs: 200 });
    expect(await post(client, `http://${where}`)).toMatchObject({ status: 202, body: 'begun' });
  });

  test('comes after any number of 1xx', async () => {
    const where = await tcpServer((socket) => {
      const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';
      socket.once('data', () =>
        socket.write(`${early}${early}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`),
      );
    });
    expect(await post(clientOf(), `http://${where}`)).toMatchObject({ status: 200, body: 'ok' });
  });
});

describe('connections', () => {
  test('are kept', async () => {
    const sink = await sinkOf();
    const client = clientOf();
    for (let count = 0; count < 10; count += 1) await post(client, sink.url);
    // The first is not free yet when its reply is told.
    expect(sink.connections.total).toBeLessThanOrEqual(2);
  });

  test('are at most as many as allowed, and what is beyond them waits its turn', async () => {
    const three = Promise.withResolvers<undefined>();
    const sink = await sinkOf({
      answer: (count) => {
        if (count === 3) three.resolve(undefined);
        return three.promise;
      },
    });
    const client = clientOf({ maxConnections: 3 });
    const replies = await Promise.all(Array.from({ length: 20 }, (_, n) => post(client, `${sink.url}/${n}`)));
    expect(replies.map(({ body }) => body)).toEqual(Array.from({ length: 20 }, (_, n) => `/${n}`));
    expect(sink.connections.most).toBe(3);
  });

  test('that the server closed between two requests are replaced', async () => {
    const sink = await sinkOf();
    const client = clientOf();
    for (const path of ['/1', '/2', '/3']) {
      expect(await post(client, `${sink.url}${path}`)).toMatchObject({ body: path });
      sink.dropAll();
      await until(
        () => sink.connections.open,
        (open) => open === 0,
      );
      // The end of the connection is heard a turn after it was said.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sink.connections.total).toBe(3);
  });
});

describe('without a reply', () => {
  const notSent = { name: 'HttpFailure', fate: 'not_sent', isTlsFault: false };
  const unknown = { name: 'HttpFailure', fate: 'unknown', isTlsFault: false };

  test('a refused connection: nothing left', async () => {
    const sink = await sinkOf();
    await sink.stop();
    running.splice(running.indexOf(sink), 1);
    await expect(post(clientOf(), sink.url)).rejects.toMatchObject({ ...notSent, code: 'ECONNREFUSED' });
  });

  test('an unknown name: nothing left', async () => {
    const asked = post(clientOf(), 'http://nowhere.invalid/');
    await expect(asked).rejects.toMatchObject({
      ...notSent,
      code: expect.stringMatching(/^E(NOTFOUND|AI_)/),
    });
  });

  test('a server that takes the connection and does not answer TLS: nothing left', async () => {
    const where = await tcpServer(() => {});
    const asked = post(clientOf({ connectTimeoutMs: 200 }), `https://${where}`);
    await expect(asked).rejects.toMatchObject({ ...notSent, code: 'UND_ERR_CONNECT_TIMEOUT' });
  });

  test.each([
    ['of nobody known', makeCertificate(), undefined, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['that has ended', makeCertificate({ to: Date.now() - 1000 }), 'its own', 'CERT_HAS_EXPIRED'],
  ])('a certificate %s: nothing left, and it is a fault of TLS', async (_, certificate, trusted, code) => {
    const sink = await sinkOf({ certificate });
    const client = clientOf(trusted ? { tls: { ca: certificate.cert } } : {});
    await expect(post(client, sink.url)).rejects.toMatchObject({ fate: 'not_sent', code, isTlsFault: true });
    expect(sink.requests).toEqual([]);
  });

  test('a certificate of somebody else, and a server without TLS, are faults of TLS', async () => {
    const certificate = makeCertificate();
    const sink = await sinkOf({ certificate });
    const client = clientOf({ tls: { ca: certificate.cert } });
    const byName = post(client, `https://localhost:${sink.port}`);
    await expect(byName).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID', isTlsFault: true });
    const plain = await sinkOf();
    const asked = post(client, plain.url.replace('http:', 'https:'));
    await expect(asked).rejects.toMatchObject({ fate: 'not_sent', isTlsFault: true });
    expect(await post(client, `${sink.url}/good`)).toMatchObject({ body: '/good' });
  });

  test('no connection free in time: nothing left, then or later', async () => {
    const gate = Promise.withResolvers<undefined>();
    const sink = await sinkOf({ answer: () => gate.promise });
    const client = clientOf({ maxConnections: 1, totalTimeoutMs: 300, replyTimeoutMs: 5000 });
    const first = post(client, `${sink.url}/1`);
    const second = post(client, `${sink.url}/2`);
    await expect(first).rejects.toMatchObject({ ...unknown, code: 'ETIMEDOUT' });
    await expect(second).rejects.toMatchObject({ ...notSent, code: 'ETIMEDOUT' });
    gate.resolve(undefined);
    expect(await post(client, `${sink.url}/3`)).toMatchObject({ body: '/3' });
    expect(sink.requests.map(({ path }) => path)).toEqual(['/1', '/3']);
  });

  test('silence: it may have been acted on', async () => {
    const sink = await sinkOf({ answer: () => 'silence' });
    const asked = post(clientOf({ replyTimeoutMs: 100 }), sink.url);
    await expect(asked).rejects.toMatchObject({ ...unknown, code: 'ETIMEDOUT' });
  });

  test('a connection that is lost after the request: it may have been acted on', async () => {
    const sink = await sinkOf({ answer: () => 'drop' });
    await expect(post(clientOf(), sink.url)).rejects.toMatchObject(unknown);
    expect(sink.requests).toHaveLength(1);
  });

  test('a reply that is not HTTP: it may have been acted on', async () => {
    const where = await tcpServer((socket) => socket.once('data', () => socket.end('220 smtp ready\r\n')));
    await expect(post(clientOf(), `http://${where}`)).rejects.toMatchObject(unknown);
  });

  test('a head without end: it may have been acted on, and is not read for ever', async () => {
    const where = await tcpServer((socket) => {
      const more = () => {
        while (!socket.destroyed && socket.write(`x-${'a'.repeat(1000)}: b\r\n`)) {}
      };
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n');
        socket.on('drain', more);
        more();
      });
    });
    await expect(post(clientOf(), `http://${where}`)).rejects.toMatchObject(unknown);
  });

  test('what is told holds nothing that was sent', async () => {
    const sink = await sinkOf({ answer: () => 'drop' });
    const told = async (url: string, key = secret) => {
      const asked = clientOf().request({ url, headers: { authorization: key }, body: 'b0dy' });
      const error = await asked.catch((failure: Error) => failure);
      return `${(error as Error).message} ${JSON.stringify(error)}`;
    };
    const all = [
      await told(`${sink.url}/p4th?token=t0ken`),
      await told('http://127.0.0.1:1/p4th?token=t0ken'),
      await told(sink.url, `${secret}\nx: y`),
    ];
    for (const hidden of [secret, 'b0dy', 'p4th', 't0ken']) expect(all.join()).not.toContain(hidden);
  });
});

describe('close', () => {
  test('waits for the replies still to come, and takes nothing more', async () => {
    const gate = Promise.withResolvers<undefined>();
    const sink = await sinkOf({ answer: () => gate.promise });
    const client = clientOf({ closeTimeoutMs: 5000 });
    const asked = post(client, `${sink.url}/1`);
    await until(
      () => sink.requests.length,
      (count) => count === 1,
    );
    const closing = client.close();
    await expect(post(client, sink.url)).rejects.toMatchObject({ fate: 'not_sent', code: 'ECLOSED' });
    gate.resolve(undefined);
    expect(await asked).toMatchObject({ body: '/1' });
    await closing;
  });

  test('does not wait for ever', async () => {
    const sink = await sinkOf({ answer: () => 'silence' });
    const client = clientOf({ closeTimeoutMs: 50 });
    const asked = post(client, sink.url);
    asked.catch(() => {});
    await until(
      () => sink.requests.length,
      (count) => count === 1,
    );
    await client.close();
    await expect(asked).rejects.toMatchObject({ fate: 'unknown' });
  });
});
