import { readMailbox } from '@tidings/contracts';
import addressparser from 'nodemailer/lib/addressparser';
import { encodeBody } from './mime-body.ts';
import {
  alternativeTypeField,
  dateField,
  encodeFreeField,
  type FreeField,
  freeField,
  type Mailbox,
  mailboxField,
  messageIdField,
  needsEncodedWords,
  oneLine,
  subjectField,
  unsubscribeFields,
} from './mime-header.ts';
import type { RenderedEmail } from './provider.ts';

/** Everything an e-mail is made of. The same input gives the same octets. */
export interface EmailToCompose<Content extends RenderedEmail = RenderedEmail> {
  messageId: string;
  from: Mailbox;
  to: string;
  toName: string | null;
  /** Milliseconds since the epoch. */
  date: number;
  content: Content;
}

/** An e-mail without attachments. */
export type PlainEmail = RenderedEmail & { attachments?: undefined };

/**
 * The MIME message as it goes over the wire: CRLF only, no line over 998 octets (RFC 5322 §2.1.1). Message-ID,
 * Date and boundaries are frozen, so every copy is byte-identical and receivers can recognise a second one.
 *
 * The octets are those of nodemailer's composer, to which a test holds them. A message of so few shapes is written
 * down at once, for the composer's tree of parts took a fifth of a worker's time; attachments are left to it
 * (`mime-attachments.ts`).
 */
export function composeEmail(email: EmailToCompose<PlainEmail>): Buffer {
  const { messageId, content } = email;
  const text = withCrlf(content.text ?? '');
  const html = withCrlf(content.html ?? '');
  const message = messageFields(email) + contentOf(messageId, text, html);
  return Buffer.from(message.endsWith('\n') ? message : `${message}\r\n`);
}

function messageFields(email: EmailToCompose): string {
  const { messageId, from, to, toName, date, content } = email;
  const subject = oneLine(content.subject);
  const recipient = { name: oneLine(toName ?? ''), address: to };
  const free = freeFields(content).map(freeField).join('');
  const mailboxes =
    mailboxField('From', from) +
    mailboxField('To', recipient) +
    (content.replyTo ? mailboxField('Reply-To', ...replyMailboxes(content.replyTo)) : '');
  const identity = messageIdField(messageIdOf(messageId, from)) + dateField(date);
  // Nodemailer puts a subject first that it is given ready-made.
  return needsEncodedWords(subject)
    ? subjectField(subject) + free + mailboxes + identity
    : free + mailboxes + subjectField(subject) + identity;
}

/** The fields beside those that every mail has, encoded. */
export function freeFields({ headers = [], unsubscribeUrl }: RenderedEmail): FreeField[] {
  const given = headers.map(encodeFreeField).filter(({ name }) => name);
  return unsubscribeUrl === undefined ? given : [...given, ...unsubscribeFields(unsubscribeUrl)];
}

/** Those that can be read, which is all of them by contract. */
export function replyMailboxes(replyTo: readonly string[]): Mailbox[] {
  return replyTo.flatMap((text) => readMailbox(text) ?? []);
}

/** The id of a message that this sender sends, without angle brackets. */
export function messageIdOf(messageId: string, from: Mailbox): string {
  return `${messageId}@${domainOf(from.address)}`;
}

type TextType = 'plain' | 'html';

/** What stands after the fields that every message has. */
function contentOf(messageId: string, text: string, html: string): string {
  if (text && html) return alternatives(boundaryOf(messageId), text, html);
  if (text || html) return single(html ? 'html' : 'plain', html || text);
  return `${mimeVersion}Content-Type: text/plain\r\n\r\n`;
}

function single(type: TextType, text: string): string {
  const { encoding, octets } = encodeBody(text);
  return `${encodingField(encoding)}${mimeVersion}${textTypeField(type)}\r\n${octets}`;
}

/** The same as text and as HTML (RFC 2046 §5.1.4). */
function alternatives(boundary: string, text: string, html: string): string {
  const delimiter = `--${boundary}`;
  const parts = `${delimiter}\r\n${part('plain', text)}\r\n${delimiter}\r\n${part('html', html)}\r\n`;
  return `${mimeVersion}${alternativeTypeField(boundary)}\r\n${parts}${delimiter}--\r\n`;
}

function part(type: TextType, text: string): string {
  const { encoding, octets } = encodeBody(text);
  return `${textTypeField(type)}${encodingField(encoding)}\r\n${octets}`;
}

const mimeVersion = 'MIME-Version: 1.0\r\n';
const textTypeField = (type: TextType) => `Content-Type: text/${type}; charset=utf-8\r\n`;
const encodingField = (encoding: string) => `Content-Transfer-Encoding: ${encoding}\r\n`;

// The pattern is ASCII's control characters: \p{Cc} has others besides.
function boundaryOf(messageId: string): string {
  return `--_NmP-${messageId.replace(/[^\P{Cc}\u0080-\u009f]/gu, '')}-Part_1`;
}

/**
 * Reads one mailbox, such as `Acme <hello@acme.example>`.
 *
 * @throws when the text is not exactly one mailbox with an address
 */
export function parseMailbox(text: string): Mailbox {
  const [mailbox, ...others] = addressparser(text, { flatten: true });
  if (!mailbox || others.length > 0 || !plainAddress.test(mailbox.address)) {
    throw new Error(`not one mailbox such as "Acme <hello@acme.example>": ${JSON.stringify(text)}`);
  }
  return { name: oneLine(mailbox.name), address: mailbox.address };
}

// ASCII only, so that no server needs SMTPUTF8: an internationalised domain is written in punycode.
const plainAddress = /^[!-;=?A-~]+@[!-;=?A-~]+$/;

/** Line breaks of any kind as a mail has them. */
export function withCrlf(text: string): string {
  return text.replace(/\r\n|\r|\n/g, '\r\n');
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}
