import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect, type Server } from 'node:net';
import { createTransport } from 'nodemailer';
import { afterEach, expect, test } from 'vitest';
import { createArrivals } from '../../bench/sinks/arrivals.ts';
import { listenForFcm } from '../../bench/sinks/fcm-sink.ts';
import { listenForHttp } from '../../bench/sinks/http-sink.ts';
import { listenForSmtp } from '../../bench/sinks/smtp-sink.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function portOf(server: Server): Promise<number> {
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

const plain = { pipelining: false, delayMs: 0, stamps: false };

test('the SMTP sink counts each mail of a real client once', async () => {
  const arrivals = createArrivals();
  const port = await portOf(listenForSmtp(plain, arrivals));
  const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true, pool: true });
  const mail = {
    from: 'a@example.com',
    to: 'b@example.com',
    subject: 'Hi',
    text: '.\nDATA\n..\n'.repeat(2000),
  };
  await Promise.all(Array.from({ length: 20 }, () => transport.sendMail(mail)));
  transport.close();
  expect(arrivals.sum().count).toBe(20);
});

test('the SMTP sink finds its way through pipelined mails, wherever the packets end', async () => {
  const arrivals = createArrivals();
  const port = await portOf(listenForSmtp({ ...plain, stamps: true }, arrivals));
  const socket = connect({ port, host: '127.0.0.1', noDelay: true }).setEncoding('latin1');
  let said = '';
  socket.on('data', (chunk) => {
    said += chunk;
  });
  const now = performance.timeOrigin + performance.now();
  const mail = `MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nhttps://example.com/t/${now}/\r\n.\r\n`;
  for (const octet of `EHLO me\r\n${mail}${mail}QUIT\r\n`) {
    if (!socket.write(octet)) await once(socket, 'drain');
  }
  await once(socket, 'close');
  expect(arrivals.sum()).toMatchObject({ count: 2, stamped: 2 });
  expect(said.match(/^\d{3} /gm)).toEqual(
    '220 250 250 250 354 250 250 250 354 250 221'.split(' ').map((code) => `${code} `),
  );
});

test('the FCM sink answers every stream of a real client', async () => {
  const arrivals = createArrivals();
  const port = await portOf(listenForFcm(arrivals));
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const statuses = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const stream = session.request({ ':method': 'POST', ':path': '/v1/projects/bench/messages:send' });
      // Longer in all than the first window of the connection.
      stream.end('x'.repeat(index * 1000));
      const [headers] = await once(stream, 'response');
      const body = Buffer.concat(await stream.toArray()).toString();
      return `${headers[':status']} ${Object.keys(JSON.parse(body))}`;
    }),
  );
  session.close();
  expect(new Set(statuses)).toEqual(new Set(['200 name']));
  expect(arrivals.sum().count).toBe(50);
});

test('the HTTP sink gives a token and counts messages', async () => {
  const arrivals = createArrivals();
  const port = await portOf(listenForHttp(arrivals));
  const post = async (path: string) =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: '{}' })).json();
  expect(await post('/token')).toHaveProperty('access_token');
  expect(await post('/v1/projects/bench/messages:send')).toHaveProperty('name');
  expect(arrivals.sum().count).toBe(1);
});
