import { toDataOctets } from './smtp-data.ts';
import type { SmtpDialogue } from './smtp-dialogue.ts';
import { type EnvelopeCommand, type EnvelopeStep, envelopeOf, type SmtpMessage } from './smtp-envelope.ts';
import type { SmtpExtensions } from './smtp-extensions.ts';
import { isAcceptance, isRefusal, type SmtpFault, type SmtpPhase, smtpFault } from './smtp-failures.ts';

/** What a transaction needs of its session. */
export interface TransactionOptions {
  dialogue: SmtpDialogue;
  extensions: SmtpExtensions;
  message: SmtpMessage;
  /** Called when octets of that phase leave, in the same turn, so that no failure can be seen before it. */
  onPhase: (phase: SmtpPhase) => void;
  /** The server took something: the time it may take begins anew. */
  onProgress: () => void;
}

/**
 * MAIL, RCPT, DATA and the body (RFC 5321 §3.3). Resolves with the reply to the final dot, whatever it is; rejects
 * with `SmtpFault`. Afterwards both sides are between two transactions, with nothing but a RSET to say after a
 * failure, or the connection is closed.
 */
export async function transact(options: TransactionOptions): Promise<string> {
  const { dialogue, extensions, message } = options;
  const commands = envelopeOf(message, extensions);
  if (extensions.pipelining) await openAtOnce(dialogue, commands);
  else await openStepByStep(dialogue, commands);
  return handOver(toDataOctets(message.raw), options);
}

async function openStepByStep(dialogue: SmtpDialogue, commands: EnvelopeCommand[]): Promise<void> {
  for (const [step, line] of commands) {
    dialogue.write(`${line}\r\n`, 1);
    const failure = failureIn(await dialogue.reply(), step, dialogue);
    if (failure) throw failure;
  }
}

/** RFC 2920 §3.1: the first failure decides, but the replies to all that was asked have to be read. */
async function openAtOnce(dialogue: SmtpDialogue, commands: EnvelopeCommand[]): Promise<void> {
  dialogue.write(commands.map(([, line]) => `${line}\r\n`).join(''), commands.length);
  let failure: SmtpFault | undefined;
  let recipientRefused = false;
  let goAhead = false;
  try {
    for (const [step] of commands) {
      const reply = await dialogue.reply();
      if (step === 'RCPT TO') recipientRefused = isRefusal(reply);
      if (step === 'DATA') goAhead = isConsent(step, reply);
      failure ??= failureIn(reply, step, dialogue);
    }
    if (failure && goAhead) await endEmptyBody(dialogue, recipientRefused);
  } catch (fault) {
    // A server that owes a reply may have left out an earlier one: who knows what the failure was about.
    const isLate = (fault as SmtpFault).code === 'ETIMEDOUT';
    throw isLate ? fault : (failure ?? fault);
  }
  if (failure) throw failure;
}

/**
 * A server that says 354 though it refused the envelope waits for a body. It gets an empty one, which it must refuse
 * (RFC 2920 §3.1), but only when it took no recipient: none shall get an empty mail.
 */
async function endEmptyBody(dialogue: SmtpDialogue, recipientRefused: boolean): Promise<void> {
  if (!recipientRefused) return dialogue.close();
  dialogue.write('.\r\n', 1);
  await dialogue.reply();
}

// A mail up to this size is one write; of a larger one it is the step in which progress is noticed.
const pieceBytes = 64 * 1024;

/** The next piece is written when the last one was taken, so that a connection that stalls is noticed. */
async function handOver(octets: Buffer, options: TransactionOptions): Promise<string> {
  const { dialogue, onPhase, onProgress } = options;
  let written = 0;
  let answered = false;

  function writeOn(): void {
    if (answered) return;
    onProgress();
    if (written === octets.length) return;
    const piece = octets.subarray(written, written + pieceBytes);
    const repliesExpected = written === 0 ? 1 : 0;
    if (!dialogue.write(piece, repliesExpected, writeOn)) return;
    written += piece.length;
    onPhase(written === octets.length ? 'handed_over' : 'body');
  }

  writeOn();
  const reply = await dialogue.reply().finally(() => {
    answered = true;
  });
  const accepted = isAcceptance(reply);
  const inFull = written === octets.length;
  // The rest of a body is no command.
  if (!inFull || !(accepted || isRefusal(reply))) dialogue.close();
  if (accepted && inFull) return reply;
  // An acceptance of something the server has not read yet is no acceptance.
  if (accepted) throw smtpFault('EPROTOCOL', 'A reply before the message', { response: reply });
  throw smtpFault('EMESSAGE', 'Message refused', { command: 'DATA', response: reply });
}

/** 354 is what DATA is answered with; 250, as some servers have it, is understood as nodemailer does. */
function isConsent(step: EnvelopeStep, reply: string): boolean {
  return isAcceptance(reply) || (step === 'DATA' && /^3\d\d(?:[ -]|$)/.test(reply));
}

/** After an illegible reply nobody knows what the server waits for. */
function failureIn(reply: string, step: EnvelopeStep, dialogue: SmtpDialogue): SmtpFault | undefined {
  if (isConsent(step, reply)) return undefined;
  if (!isRefusal(reply)) dialogue.close();
  return smtpFault('EENVELOPE', `${step} refused`, { command: step, response: reply });
}
