import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { answerCommands } from '../harness/commands.ts';

const connections = 8;
/** Mails or requests that are sent before their answers are there, on each connection. */
const ahead = 50;
const body = `From: <bench@tidings.example>\r\nSubject: Welcome\r\n\r\n${'welcome aboard '.repeat(60)}\r\n.\r\n`;
const wholeMail = Buffer.from(
  `MAIL FROM:<bench@tidings.example>\r\nRCPT TO:<user@example.com>\r\nDATA\r\n${body}`,
);

/** Mails a second that the SMTP sink takes from a client that waits for nothing. */
async function smtp({ port, ms }: { port: number; ms: number }): Promise<number> {
  const counts = await Promise.all(Array.from({ length: connections }, () => floodSmtp(port, ms)));
  return (counts.reduce((sum, count) => sum + count, 0) / ms) * 1000;
}

async function floodSmtp(port: number, ms: number): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true }).setEncoding('latin1');
  await once(socket, 'data');
  socket.write('EHLO bench\r\n');
  await once(socket, 'data');
  let answers = 0;
  const sendMany = () => socket.write(Buffer.concat(Array.from({ length: ahead }, () => wholeMail)));
  const until = performance.now() + ms;
  // MAIL, RCPT, DATA and the final dot are answered with a line each.
  socket.on('data', (chunk: string) => {
    for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', at + 1)) answers += 1;
    if (performance.now() >= until) socket.end();
    else if (answers % (4 * ahead) === 0) sendMany();
  });
  sendMany();
  await once(socket, 'close');
  return answers / 4;
}

/** Requests a second that the FCM sink takes from node's own client, many at once. */
async function fcm({ port, ms }: { port: number; ms: number }): Promise<number> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const message = JSON.stringify({
    message: { token: 'x'.repeat(152), notification: { title: 'W', body: 'G' } },
  });
  const until = performance.now() + ms;
  let count = 0;
  const post = async () => {
    while (performance.now() < until) {
      const stream = session.request({ ':method': 'POST', ':path': '/v1/projects/bench/messages:send' });
      stream.resume().end(message);
      await once(stream, 'close');
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: 100 }, post));
  session.close();
  return (count / ms) * 1000;
}

const commands = { smtp, fcm };
export type FloodCommands = typeof commands;

answerCommands(commands);
