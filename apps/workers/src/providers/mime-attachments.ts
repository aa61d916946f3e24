import MailComposer from 'nodemailer/lib/mail-composer';
import { type EmailToCompose, freeFields, messageIdOf, replyMailboxes, withCrlf } from './mime.ts';
import { encodeSubject, needsEncodedWords, oneLine } from './mime-header.ts';
import type { Attachment, RenderedEmail } from './provider.ts';

/**
 * What `composeEmail` makes, for an e-mail that may have attachments: multipart/mixed, with what the HTML shows beside
 * it in multipart/related. The contents are all there is: nodemailer opens no file and asks no URL.
 */
export function composeWithAttachments(email: EmailToCompose): Promise<Buffer> {
  const { messageId, from, to, toName, date, content } = email;
  return new MailComposer({
    headers: fieldsOf(content),
    from,
    to: { name: oneLine(toName ?? ''), address: to },
    ...(content.replyTo && { replyTo: replyMailboxes(content.replyTo) }),
    ...(!needsEncodedWords(oneLine(content.subject)) && { subject: oneLine(content.subject) }),
    text: withCrlf(content.text ?? '') || (isFilesAlone(content) ? emptyText : ''),
    html: withCrlf(content.html ?? ''),
    attachments: content.attachments?.map(attach),
    messageId: `<${messageIdOf(messageId, from)}>`,
    date: new Date(date),
    baseBoundary: messageId,
    newline: 'windows',
    disableFileAccess: true,
    disableUrlAccess: true,
  })
    .compile()
    .build();
}

/** Without a text beside it, a single file would be the mail itself, and be shown as one. */
function isFilesAlone({ text, html, attachments = [] }: RenderedEmail): boolean {
  return !text && !html && attachments.length > 0;
}

const emptyText = '\r\n';

/** Those that nodemailer is given ready-made. */
function fieldsOf(content: RenderedEmail) {
  const subject = oneLine(content.subject);
  const encoded = needsEncodedWords(subject) ? [{ name: 'Subject', value: encodeSubject(subject) }] : [];
  return [...encoded, ...freeFields(content)].map(({ name, value }) => ({
    key: name,
    // These two it puts together anew, in the same way, whatever it is told.
    value: /^references$/i.test(name) ? value : { prepared: true, foldLines: true, value },
  }));
}

function attach({ filename, contentType, content, contentId }: Attachment) {
  return {
    filename: oneLine(filename),
    contentType: printableAscii(contentType),
    content: Buffer.from(content, 'base64'),
    ...(contentId !== undefined && { cid: printableAscii(contentId) }),
  };
}

const printableAscii = (text: string) => text.replace(/[^ -~]/g, '');
