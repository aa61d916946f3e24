import { type ConnectionOptions, Worker } from 'bullmq';
import { eq, sql } from 'drizzle-orm';
import { Liquid } from 'liquidjs';
import { createTransport } from 'nodemailer';
import { messages, type NaiveJob, type NaiveRecord } from './record.ts';
import { welcomeEmail } from './welcome-email.ts';

// The same mail as the default template's, layout and all.
const { subject, text, html } = await welcomeEmail();

/** What was tuned, by `sweep.ts`. */
export interface EmailTuning {
  concurrency: number;
  maxConnections: number;
  maxMessages: number;
}

export const bestEmailTuning: EmailTuning = {
  concurrency: 256,
  maxConnections: 64,
  maxMessages: 1_000_000_000,
};

/** A worker as the documentation of BullMQ, nodemailer, LiquidJS and drizzle has it. */
export function startNaiveEmail(options: {
  connection: ConnectionOptions;
  record: NaiveRecord;
  smtpPort: number;
  tuning: EmailTuning;
}): Worker<NaiveJob> {
  const { connection, record, smtpPort, tuning } = options;
  const { concurrency, maxConnections, maxMessages } = tuning;
  const transport = createTransport({
    pool: true,
    host: '127.0.0.1',
    port: smtpPort,
    ignoreTLS: true,
    maxConnections,
    maxMessages,
  });
  const liquid = new Liquid();
  const escaping = new Liquid({ outputEscape: 'escape' });
  const templates = { subject: liquid.parse(subject), text: liquid.parse(text), html: escaping.parse(html) };
  const markSent = record
    .update(messages)
    .set({ status: 'sent', sentAt: sql`${sql.placeholder('sentAt')}` })
    .where(eq(messages.id, sql.placeholder('id')))
    .prepare();

  return new Worker<NaiveJob>(
    'naive-email',
    async ({ data }) => {
      const [renderedSubject, renderedText, renderedHtml] = await Promise.all([
        liquid.render(templates.subject, data),
        liquid.render(templates.text, data),
        escaping.render(templates.html, data),
      ]);
      await transport.sendMail({
        from: 'Bench <bench@tidings.example>',
        to: data.to,
        subject: renderedSubject,
        text: renderedText,
        html: renderedHtml,
      });
      markSent.run({ id: data.id, sentAt: Date.now() });
    },
    { connection, concurrency, removeOnComplete: { count: 1000 }, removeOnFail: { count: 5000 } },
  );
}
