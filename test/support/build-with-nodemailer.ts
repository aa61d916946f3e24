import MailComposer from 'nodemailer/lib/mail-composer';
import { encodeWord } from 'nodemailer/lib/mime-funcs';
import type { EmailToCompose } from '../../apps/workers/src/providers/mime.ts';
import { needsEncodedWords, oneLine } from '../../apps/workers/src/providers/mime-header.ts';

/** The octets that nodemailer itself gives an e-mail. */
export function buildWithNodemailer(email: EmailToCompose): Promise<Buffer> {
  const { messageId, from, to, toName, date, content } = email;
  const subject = oneLine(content.subject);
  return new MailComposer({
    from,
    to: { name: oneLine(toName ?? ''), address: to },
    ...(needsEncodedWords(subject) ? { headers: { Subject: encodedWords(subject) } } : { subject }),
    text: withCrlf(content.text),
    html: withCrlf(content.html),
    messageId: `<${messageId}@${from.address.slice(from.address.lastIndexOf('@') + 1)}>`,
    date: new Date(date),
    baseBoundary: messageId,
    newline: 'windows',
    disableFileAccess: true,
    disableUrlAccess: true,
  })
    .compile()
    .build();
}

function encodedWords(text: string) {
  return { prepared: true, foldLines: true, value: encodeWord(text, 'Q', 52) };
}

function withCrlf(text: string | undefined): string | undefined {
  return text?.replace(/\r\n|\r|\n/g, '\r\n');
}
