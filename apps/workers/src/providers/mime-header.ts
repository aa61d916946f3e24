import { buildHeaderValue, encodeWord, foldLines, quoteString } from 'nodemailer/lib/mime-funcs';
import MimeNode from 'nodemailer/lib/mime-node';
import { countCharacters, prevailingEncoding } from './mime-encoding.ts';

/** One mailbox: a display name, possibly empty, and an address. */
export interface Mailbox {
  name: string;
  address: string;
}

/** A text as a header's value may hold it: a line break there would begin another header. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}

/** `name: value` and its line's end, folded at spaces where it is long; nothing when the value is blank. */
function headerField(name: string, value: string): string {
  if (!value.trim()) return '';
  const line = `${name}: ${value}`;
  return `${line.length < foldLength ? line : foldLines(line, foldLength)}\r\n`;
}

const foldLength = 76;
const encodedWordLength = 52;

/** A field of mailboxes, whose addresses may need rules that only nodemailer knows. */
export function mailboxField(name: 'From' | 'To' | 'Reply-To', ...mailboxes: Mailbox[]): string {
  if (!mailboxes.every(({ address }) => plainAddress.test(address))) {
    return headerField(
      name,
      MimeNode.encodeHeaderValue(
        name,
        mailboxes.map((one) => ({ ...one })),
      ),
    );
  }
  return headerField(name, mailboxes.map(plainMailbox).join(', '));
}

function plainMailbox({ name, address }: Mailbox): string {
  return name ? `${displayName(name)} <${address}>` : address;
}

// A dot-atom and a domain that has no other spelling: no capitals, no punycode, and no number last, as in IPv4.
const plainAddress = /^[\w+-]+(?:\.[\w+-]+)*@[a-z0-9]+(?:[.-][a-z0-9]+)*\.[a-z]+$/;

function displayName(name: string): string {
  if (/^[\w ]*$/.test(name)) return name;
  if (/^[ -~]*$/.test(name)) return quoteString(name);
  return encodeWord(name, prevailingEncoding(countCharacters(name)), encodedWordLength);
}

/** The subject's field. `subject` is one line. */
export function subjectField(subject: string): string {
  return headerField('Subject', encodeSubject(subject));
}

/** The value of the subject's field, unfolded. */
export function encodeSubject(subject: string): string {
  if (needsEncodedWords(subject)) return encodeWord(subject, 'Q', encodedWordLength);
  if (/^[ !#-~]*$/.test(subject)) return subject;
  return encodeWord(subject, prevailingEncoding(countCharacters(subject)), encodedWordLength);
}

/**
 * Must a subject be encoded even in ASCII? Nodemailer folds that only at spaces, and passes on what already
 * looks encoded, for receivers to decode.
 */
export function needsEncodedWords(text: string): boolean {
  return text.includes('=?') || (text.length >= 70 && /\S{70}/.test(text)) || /\s{3}/.test(text);
}

/** A field of the application's own: its name, and its value as it stands in a mail, unfolded. */
export interface FreeField {
  name: string;
  value: string;
}

/** The same as a mail may hold it, whatever it was: one field, in ASCII, with one space between words. */
export function encodeFreeField({ name, value }: FreeField): FreeField {
  const text = oneLine(value).replace(/\s+/gu, ' ');
  return {
    // RFC 5322 §3.6.8.
    name: name.replace(/[^!-9;-~]/g, ''),
    value: /^[ -~]*$/.test(text)
      ? text
      : encodeWord(text, prevailingEncoding(countCharacters(text)), encodedWordLength),
  };
}

/** The field's line. `field` is encoded. */
export function freeField({ name, value }: FreeField): string {
  return headerField(name, value);
}

/** Where a POST takes the recipient off the list, in the two fields of RFC 8058 §3.1. */
export function unsubscribeFields(url: string): FreeField[] {
  return [
    { name: 'List-Unsubscribe', value: `<${new URL(url).href}>` },
    { name: 'List-Unsubscribe-Post', value: 'List-Unsubscribe=One-Click' },
  ];
}

/** The identity of the message, `<id>`. */
export function messageIdField(id: string): string {
  const value = `<${id}>`;
  const isPrintable = /^[!-~]+$/.test(value);
  return headerField('Message-ID', isPrintable ? value : MimeNode.encodeHeaderValue('Message-ID', value));
}

/** When the message was sent; milliseconds since the epoch. */
export function dateField(date: number): string {
  return headerField('Date', new Date(date).toUTCString().replace('GMT', '+0000'));
}

/** The type of a message that says the same in several parts, and what stands between them. */
export function alternativeTypeField(boundary: string): string {
  if (foldedBoundary.test(boundary)) {
    return `Content-Type: multipart/alternative;\r\n boundary="${boundary}"\r\n`;
  }
  const value = buildHeaderValue({ value: 'multipart/alternative', params: { boundary } });
  return headerField('Content-Type', value);
}

// One that needs no escape, is too long for the first line and fits on the second.
const foldedBoundary = /^--[\w-]{26,61}$/;
