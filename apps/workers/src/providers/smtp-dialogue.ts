import type { Socket } from 'node:net';
import { type SmtpFault, smtpFault } from './smtp-failures.ts';

/** Commands out, replies in: the two directions of one connection that is ready for mail. */
export interface SmtpDialogue {
  /**
   * Writes octets that the server will answer with `replies` replies (RFC 2920: several commands may go out at
   * once). `onTaken` is called when the system has taken them all. False when the connection is over and nothing
   * was written.
   */
  write(octets: string | Buffer, replies: number, onTaken?: () => void): boolean;
  /**
   * The next reply, in the order of the commands; the lines of one are joined by `\n`. What came before the
   * connection ended is still answered, then it rejects with the `SmtpFault` that ended it.
   */
  reply(): Promise<string>;
  /** For whoever learns that the connection is lost. */
  end(reason: SmtpFault): void;
  /** Closes the connection: the server is too slow, or the two sides no longer agree on what comes next. */
  close(reason?: SmtpFault): void;
}

/** Of one reply; more is no reply. */
export const maxReplyBytes = 64 * 1024;

/**
 * Takes over what the socket receives; its errors and its end stay with whoever calls `end`. `onClose` must close
 * the connection. The dialogue asks for it when the server says 421 (RFC 5321 §3.8), something that answers
 * nothing, or more than 64 kB at once.
 */
export function createSmtpDialogue(options: { socket: Socket; onClose: () => void }): SmtpDialogue {
  const { socket, onClose } = options;
  /** Latin-1, an octet a character, so that a character split over two packets is put together again. */
  let pending = '';
  let lines = '';
  let expected = 0;
  const arrived: string[] = [];
  let waiting: PromiseWithResolvers<string> | undefined;
  let ended: SmtpFault | undefined;

  function write(octets: string | Buffer, replies: number, onTaken?: () => void): boolean {
    if (!ended && !socket.writable) finish(lost());
    if (ended) return false;
    expected += replies;
    socket.write(octets, onTaken && ((error) => !error && !ended && onTaken()));
    return true;
  }

  function reply(): Promise<string> {
    const next = arrived.shift();
    if (next !== undefined) return Promise.resolve(next);
    if (ended) return Promise.reject(ended);
    waiting = Promise.withResolvers();
    return waiting.promise;
  }

  function end(reason: SmtpFault): void {
    // A server that dies may leave out the last line end; a refusal without it is still one.
    if (!ended && /^[45]\d\d /.test(pending)) take(pending);
    finish(reason);
  }

  function close(reason = lost()): void {
    finish(reason);
    onClose();
  }

  function finish(reason: SmtpFault): void {
    ended ??= reason;
    waiting?.reject(ended);
    waiting = undefined;
  }

  function onData(chunk: Buffer): void {
    if (ended) return;
    const text = chunk.toString('latin1');
    pending += text;
    if (text.includes('\n')) takeLines();
    if (pending.length > maxReplyBytes) close(tooLong());
  }

  function takeLines(): void {
    let from = 0;
    for (let at = pending.indexOf('\n'); at >= 0 && !ended; at = pending.indexOf('\n', from)) {
      take(pending.slice(from, pending[at - 1] === '\r' ? at - 1 : at));
      from = at + 1;
    }
    pending = pending.slice(from);
  }

  function take(line: string): void {
    lines += lines === '' ? line : `\n${line}`;
    if (lines.length > maxReplyBytes) close(tooLong());
    if (ended || /^\d+-/.test(line)) return;
    const whole = decoded(lines);
    lines = '';
    // RFC 5321 knows no empty lines, but they do no harm between two replies.
    if (whole.trim() === '') return;
    if (expected > 0) pass(whole);
    else close(smtpFault('EPROTOCOL', 'Unexpected reply', { response: whole }));
  }

  function pass(whole: string): void {
    expected -= 1;
    if (waiting) waiting.resolve(whole);
    else arrived.push(whole);
    waiting = undefined;
    if (/^421(?:[ -]|$)/.test(whole)) close();
  }

  socket.on('data', onData);
  return { write, reply, end, close };
}

function lost(): SmtpFault {
  return smtpFault('ECONNECTION', 'Connection closed');
}

function tooLong(): SmtpFault {
  return smtpFault('EPROTOCOL', 'Reply over the size limit');
}

/** UTF-8 (RFC 6531 §3.7.4.2), or what older servers say, octet by octet. */
function decoded(latin1: string): string {
  if (!/[\x80-\xff]/.test(latin1)) return latin1;
  const utf8 = Buffer.from(latin1, 'latin1').toString();
  return utf8.includes('\ufffd') ? latin1 : utf8;
}
