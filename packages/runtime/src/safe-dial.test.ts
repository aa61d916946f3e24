import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Agent, request } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { makeCertificate } from '../../../test/support/certificate.ts';
import { startDnsSink } from '../../../test/support/dns-sink.ts';
import { createResolve, createSafeConnector, isPublicAddress, type Resolve } from './safe-dial.ts';

const running: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0).reverse()) await stop();
});

const host = 'push.example.test';
const certificate = makeCertificate({ names: [host] });

/** A server on 127.0.0.1 that answers with the Host it was asked for. */
async function startServer(tls = true) {
  const server = tls ? createHttpsServer(certificate) : createHttpServer();
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  server.on('request', (incoming, response) => response.end(incoming.headers.host));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  running.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
  };
}

type Options = Parameters<typeof createSafeConnector>[0];

function dispatcherWith(options: Options = {}): Agent {
  const connect = createSafeConnector({ tls: { ca: certificate.cert }, ...options });
  const agent = new Agent({ connect });
  running.push(() => agent.destroy());
  return agent;
}

async function get(url: string, dispatcher: Agent): Promise<string> {
  const { body } = await request(url, { dispatcher });
  return body.text();
}

const answering =
  (...addresses: string[]): Resolve =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

/** One that fails the test when it is asked. */
const unasked: Resolve = (name) => Promise.reject(new Error(`${name} was looked up`));

describe('an address', () => {
  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.0',
    '2606:4700::1111',
    '2a00:1450:4001:82a::200e',
  ])('%s is public', (address) => expect(isPublicAddress(address)).toBe(true));

  test.each([
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.255.255.254',
    '168.63.129.16',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:7f00:1',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::1',
    '3fff::1',
    '5f00::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%lo',
    '2606:4700::1111%lo',
    'fec0::1',
    'ff02::1',
    'localhost',
    '127.1',
    '',
  ])('%j is not public', (address) => expect(isPublicAddress(address)).toBe(false));
});

describe('a URL', () => {
  test.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.0.0.1/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://127.0.0.1./',
    'https://1２7.0.0.1/',
    'https://①②⑦.0.0.1/',
    'https://user:password@127.0.0.1/',
    'https://0/',
    'https://169.254.169.254/latest/meta-data/',
    'https://2852039166/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[64:ff9b:1::1]/',
    'https://[2002:7f00:1::]/',
    'https://[fd00:ec2::254]/',
    'https://[fe80::1]/',
    'https://100.64.0.1/',
    'https://10.0.0.1:443/',
    // Not https on port 443, though the address is public.
    'http://8.8.8.8/',
    'https://8.8.8.8:8443/',
    'https://8.8.8.8:22/',
    'http://8.8.8.8:443/',
  ])('%s is connected to by nobody', async (url) => {
    const asked = get(url, dispatcherWith({ resolve: unasked }));
    await expect(asked).rejects.toMatchObject({ name: 'UnsafeTarget', code: 'EUNSAFE' });
  });

  test.each([
    ['a private address', ['10.0.0.1']],
    ['a public and a private address', ['8.8.8.8', '10.0.0.1']],
    ['a public and a loopback address of the other family', ['8.8.8.8', '::1']],
    ['an IPv4-mapped address', ['::ffff:8.8.8.8']],
    ['no address', []],
  ])('whose name has %s is connected to by nobody', async (_, addresses) => {
    const asked = get(`https://${host}/`, dispatcherWith({ resolve: answering(...addresses) }));
    await expect(asked).rejects.toMatchObject({ code: 'EUNSAFE' });
  });

  test.each(['http://', 'https://'])('%s and another port are for allowed networks', async (scheme) => {
    const dispatcher = dispatcherWith({ resolve: answering('8.8.8.8') });
    await expect(get(`${scheme}${host}:8080/`, dispatcher)).rejects.toMatchObject({ code: 'EUNSAFE' });
  });

  test('localhost is connected to by nobody', async () => {
    const server = await startServer();
    for (const name of ['localhost', 'LOCALHOST', 'localhost.', 'a.localhost']) {
      const asked = get(`https://${name}/`, dispatcherWith());
      await expect(asked).rejects.toMatchObject({ code: 'EUNSAFE' });
    }
    await expect(get(`https://localhost:${server.port}/`, dispatcherWith())).rejects.toMatchObject({
      code: 'EUNSAFE',
    });
    expect(server.connections).toBe(0);
  });

  test('whose name is unknown fails as DNS says', async () => {
    const resolve: Resolve = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
    await expect(get(`https://${host}/`, dispatcherWith({ resolve }))).rejects.toMatchObject({
      code: 'ENOTFOUND',
    });
  });
});

describe('a name', () => {
  test('has the addresses of both families that DNS says, whichever there are', async () => {
    const dns = await startDnsSink({
      'both.test': ['8.8.8.8', '8.8.4.4', '2001:4860:4860::8888'],
      'old.test': ['8.8.8.8'],
      'new.test': ['2001:4860:4860::8888'],
      'none.test': [],
    });
    running.push(dns.stop);
    const resolve = createResolve([dns.server]);
    const namesOf = async (name: string) =>
      (await resolve(name)).map(({ address, family }) => `${family} ${address}`).toSorted();
    expect(await namesOf('both.test')).toEqual(['4 8.8.4.4', '4 8.8.8.8', '6 2001:4860:4860::8888']);
    expect(await namesOf('old.test')).toEqual(['4 8.8.8.8']);
    expect(await namesOf('new.test')).toEqual(['6 2001:4860:4860::8888']);
    await expect(resolve('none.test')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(resolve('unknown.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    expect(dns.asked.slice(0, 2).toSorted()).toEqual(['A both.test', 'AAAA both.test']);
  });

  test('of which DNS says a private address in either family is connected to by nobody', async () => {
    const dns = await startDnsSink({
      'six.test': ['8.8.8.8', 'fd00::1'],
      'four.test': ['10.0.0.1', '2001:4860:4860::8888'],
    });
    running.push(dns.stop);
    const dispatcher = dispatcherWith({ resolve: createResolve([dns.server]) });
    for (const name of ['six.test', 'four.test']) {
      await expect(get(`https://${name}/`, dispatcher)).rejects.toMatchObject({ code: 'EUNSAFE' });
    }
  });
});

describe('allowed networks', () => {
  const allowedNetworks = ['127.0.0.0/8', '::1/128'];

  test('are connected to under the name that was asked for, which the certificate must be for', async () => {
    const { port } = await startServer();
    const dispatcher = dispatcherWith({ allowedNetworks, resolve: answering('127.0.0.1') });
    expect(await get(`https://${host}:${port}/`, dispatcher)).toBe(`${host}:${port}`);
    await expect(get(`https://other.example.test:${port}/`, dispatcher)).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  test('are connected to by a literal address and in the clear too', async () => {
    const { port } = await startServer(false);
    const dispatcher = dispatcherWith({ allowedNetworks, resolve: unasked });
    expect(await get(`http://127.0.0.1:${port}/`, dispatcher)).toBe(`127.0.0.1:${port}`);
  });

  test('allow nothing beside them', async () => {
    const dispatcher = dispatcherWith({ allowedNetworks, resolve: answering('127.0.0.1', '10.0.0.1') });
    await expect(get(`https://${host}/`, dispatcher)).rejects.toMatchObject({ code: 'EUNSAFE' });
    await expect(get('https://[::ffff:127.0.0.1]/', dispatcher)).rejects.toMatchObject({ code: 'EUNSAFE' });
  });

  test('a name that is rebound between check and use is looked up once only', async () => {
    const { port } = await startServer();
    const answers = [['127.0.0.1'], ['10.0.0.1']];
    let asked = 0;
    const resolve: Resolve = (name) => answering(...(answers[asked++] ?? []))(name);
    const dispatcher = dispatcherWith({ allowedNetworks, resolve });
    expect(await get(`https://${host}:${port}/`, dispatcher)).toBe(`${host}:${port}`);
    expect(asked).toBe(1);
    const another = dispatcherWith({ allowedNetworks, resolve });
    await expect(get(`https://${host}:${port}/`, another)).rejects.toMatchObject({ code: 'EUNSAFE' });
  });
});
