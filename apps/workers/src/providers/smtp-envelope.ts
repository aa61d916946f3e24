import type { SmtpExtensions } from './smtp-extensions.ts';
import { smtpFault } from './smtp-failures.ts';

/** One message for one recipient. */
export interface SmtpMessage {
  from: string;
  to: string;
  raw: Buffer;
}

export type EnvelopeStep = 'MAIL FROM' | 'RCPT TO' | 'DATA';

/** A step's name and its line, without CRLF. */
export type EnvelopeCommand = [step: EnvelopeStep, line: string];

/**
 * The commands before the body, which are those nodemailer would send: our bodies are 7-bit, so that none says
 * BODY=8BITMIME.
 *
 * @throws `SmtpFault` without asking the server: `EMESSAGE` over its SIZE (RFC 1870), `EENVELOPE` for an address
 * that cannot be one
 */
export function envelopeOf(message: SmtpMessage, extensions: SmtpExtensions): EnvelopeCommand[] {
  const { maxMessageBytes } = extensions;
  const from = message.from.trim();
  const to = message.to.trim();
  const bytes = message.raw.length;
  if (maxMessageBytes && bytes > maxMessageBytes) {
    throw smtpFault('EMESSAGE', `Over the announced SIZE of ${maxMessageBytes}`, { command: 'MAIL FROM' });
  }
  if (breaksOut.test(from)) throw illegal('MAIL FROM', from);
  if (to === '' || breaksOut.test(to)) throw illegal('RCPT TO', to);
  const international = beyondAscii.test(from) || beyondAscii.test(to);
  const utf8 = extensions.smtpUtf8 && international ? ' SMTPUTF8' : '';
  const size = maxMessageBytes !== undefined && bytes > 0 ? ` SIZE=${bytes}` : '';
  return [
    ['MAIL FROM', `MAIL FROM:<${from}>${utf8}${size}`],
    ['RCPT TO', `RCPT TO:<${to}>`],
    ['DATA', 'DATA'],
  ];
}

// What would end the path or the line, and with it begin a parameter or a command of the address's own making.
const breaksOut = /[\p{Cc}<>]/u;

const beyondAscii = /[^\0-\x7f]/;

function illegal(command: EnvelopeStep, address: string) {
  return smtpFault('EENVELOPE', `Illegal address in ${command}: ${JSON.stringify(address)}`, { command });
}
