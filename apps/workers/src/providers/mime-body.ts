import * as base64 from 'nodemailer/lib/base64';
import * as quotedPrintable from 'nodemailer/lib/qp';
import { countCharacters, prevailingEncoding } from './mime-encoding.ts';

/** A text as it stands in a mail, and the name of what was done to it (RFC 2045 §6). */
export interface EncodedBody {
  encoding: '7bit' | 'quoted-printable' | 'base64';
  octets: string;
}

/** Encodes a text whose lines end in CRLF. ASCII in short lines stays as it is. */
export function encodeBody(text: string): EncodedBody {
  const counts = countCharacters(text);
  if (counts.other === 0 && hasShortLines(text)) return { encoding: '7bit', octets: text };
  return prevailingEncoding(counts) === 'Q'
    ? { encoding: 'quoted-printable', octets: quotedPrintable.wrap(quotedPrintable.encode(text)) }
    : { encoding: 'base64', octets: base64.wrap(base64.encode(text)) };
}

const maxLineLength = 76;
// Nodemailer looks for long lines in no longer text, and takes it to have some.
const maxSearchedLength = 128 * 1024;

function hasShortLines(text: string): boolean {
  if (text.length > maxSearchedLength) return false;
  let start = 0;
  for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n', start)) {
    if (end - start > maxLineLength) return false;
    start = end + 2;
  }
  return text.length - start <= maxLineLength;
}
