import addressparser from 'nodemailer/lib/addressparser';
import * as base64 from 'nodemailer/lib/base64';
import MailComposer from 'nodemailer/lib/mail-composer';
import { encodeWord } from 'nodemailer/lib/mime-funcs';
import type MimeNode from 'nodemailer/lib/mime-node';
import * as quotedPrintable from 'nodemailer/lib/qp';
import type { RenderedEmail } from './provider.ts';

/** One mailbox: a display name, possibly empty, and an address. */
export interface Mailbox {
  name: string;
  address: string;
}

/** Everything an e-mail is made of. The same input gives the same octets. */
export interface EmailToCompose {
  messageId: string;
  from: Mailbox;
  to: string;
  toName: string | null;
  /** Milliseconds since the epoch. */
  date: number;
  content: RenderedEmail;
}

/**
 * The MIME message as it goes over the wire: CRLF only, no line over 998 octets (RFC 5322 §2.1.1), nothing
 * read from files or URLs. Message-ID, Date and boundaries are frozen, so every copy is byte-identical and
 * receivers can recognise a second one.
 */
export function composeEmail(email: EmailToCompose): Buffer {
  const message = serialize(compile(email));
  return Buffer.from(message.endsWith('\n') ? message : `${message}\r\n`);
}

/** The tree of the message's parts, as nodemailer sees it. */
export function compile(email: EmailToCompose): MimeNode {
  const { messageId, from, to, toName, date, content } = email;
  const subject = oneLine(content.subject);
  return new MailComposer({
    from,
    to: { name: oneLine(toName ?? ''), address: to },
    ...(needsEncodedWords(subject) ? { headers: { Subject: encodedWords(subject) } } : { subject }),
    text: withCrlf(content.text),
    html: withCrlf(content.html),
    messageId: `<${messageId}@${domainOf(from.address)}>`,
    date: new Date(date),
    baseBoundary: messageId,
    newline: 'windows',
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
}

/**
 * What nodemailer's own `build()` answers, but at once: its streams and turns of the event loop cost several times
 * what the encoding does. A test holds the two to the same octets.
 */
function serialize(node: MimeNode): string {
  const head = `${node.buildHeaders()}\r\n\r\n`;
  if (!node.multipart) return head + encodeBody(node);
  const delimiter = `--${node.boundary}`;
  const parts = node.childNodes.map((child) => `${delimiter}\r\n${serialize(child)}\r\n`);
  return `${head}${parts.join('')}${delimiter}--\r\n`;
}

function encodeBody(node: MimeNode): string {
  const content = String(node.content ?? '');
  switch (node.getTransferEncoding()) {
    case 'quoted-printable':
      return quotedPrintable.wrap(quotedPrintable.encode(content));
    case 'base64':
      return base64.wrap(base64.encode(content));
    default:
      return content;
  }
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

// A line break in a header value would begin another header.
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}

function withCrlf(text: string | undefined): string | undefined {
  return text?.replace(/\r\n|\r|\n/g, '\r\n');
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

// Nodemailer folds ASCII only at spaces, and passes on what already looks encoded, for receivers to decode.
function needsEncodedWords(text: string): boolean {
  return text.includes('=?') || /\S{70}|\s{3}/.test(text);
}

function encodedWords(text: string) {
  return { prepared: true, foldLines: true, value: encodeWord(text, 'Q', 52) };
}
