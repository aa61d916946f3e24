import { createTemplateEngine, renderEmail } from '@tidings/templates';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { composeEmail } from '../../apps/workers/src/providers/mime.ts';
import { answerCommands } from '../harness/commands.ts';
import { welcomeEmail } from '../naive/welcome-email.ts';

const from = 'bench@tidings.example';
const engine = createTemplateEngine();
const welcome = await welcomeEmail();

/**
 * Sends mails that are composed already over `connections` connections of nodemailer's own SMTP client, one after
 * the other on each: no queue, no record, no template. Answers the milliseconds.
 */
async function send(options: { port: number; connections: number; count: number }): Promise<number> {
  const { port, connections, count } = options;
  const raw = await Promise.all(Array.from({ length: 100 }, (_, index) => mail(index)));
  const opened = await Promise.all(Array.from({ length: connections }, () => open(port)));
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(
    opened.map(async (connection) => {
      while (next < count) {
        const index = next;
        next += 1;
        await sendOne(connection, `user${index}@example.com`, raw[index % raw.length] as Buffer);
      }
    }),
  );
  const ms = performance.now() - startedAt;
  for (const connection of opened) connection.close();
  return ms;
}

function mail(index: number): Buffer {
  const name = `User ${index}`;
  const link = 'https://example.com/confirm';
  return composeEmail({
    messageId: `msg_${index}`,
    from: { name: 'Bench', address: from },
    to: `user${index}@example.com`,
    toName: null,
    date: Date.now(),
    content: {
      channel: 'email',
      ...renderEmail(engine, welcome, { name, link }, 'en'),
    },
  });
}

async function open(port: number): Promise<SMTPConnection> {
  const connection = new SMTPConnection({ host: '127.0.0.1', port, ignoreTLS: true });
  await new Promise<void>((resolve, reject) => {
    connection.once('error', reject);
    connection.connect((error?: Error | null) => (error ? reject(error) : resolve()));
  });
  return connection;
}

function sendOne(connection: SMTPConnection, to: string, raw: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.send({ from, to: [to] }, raw, (error?: Error | null) => (error ? reject(error) : resolve()));
  });
}

const commands = { send };
export type PreparedCommands = typeof commands;

answerCommands(commands);
