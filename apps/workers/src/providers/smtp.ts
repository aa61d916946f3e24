import { createEmailComposer, type EmailSender } from './email-composer.ts';
import type { Delivery, Provider, ProviderResult, RenderedEmail } from './provider.ts';
import {
  type AfterUse,
  createSmtpConnections,
  type SmtpConnectionsOptions,
  type SmtpLease,
} from './smtp-connections.ts';
import type { SmtpMessage } from './smtp-envelope.ts';
import { classifySmtpFailure, describeReply, isRefusal, SmtpFailure } from './smtp-failures.ts';
import { smtpSecretsOf } from './smtp-secrets.ts';

interface Attempt {
  result: ProviderResult;
  stale: boolean;
}

/** How a server is reached, and what it is called where there is more than one. */
export interface SmtpProviderOptions extends SmtpConnectionsOptions, EmailSender {
  name?: string;
}

/**
 * Sends e-mail over SMTP, one recipient per envelope, over connections it keeps. The address of `from` is the
 * envelope's sender.
 *
 * @throws at once when `url`, `from` or `dkim` cannot be used
 */
export function createSmtpProvider({
  name = 'smtp',
  from,
  dkim,
  ...options
}: SmtpProviderOptions): Provider<RenderedEmail> {
  const { sender, compose } = createEmailComposer({ from, dkim });
  const connections = createSmtpConnections(options);
  const secrets = smtpSecretsOf(options.url);

  async function send(delivery: Delivery<RenderedEmail>): Promise<ProviderResult> {
    const raw = await compose(delivery);
    const message = { from: sender.address, to: delivery.address, raw };
    const first = await attempt(message);
    return first.stale ? (await attempt(message, { fresh: true })).result : first.result;
  }

  /** `stale`: nothing was handed over, for the connection had been kept too long. A fresh one is worth a try. */
  async function attempt(message: SmtpMessage, { fresh = false } = {}): Promise<Attempt> {
    let lease: SmtpLease | undefined;
    let afterUse: AfterUse = 'drop';
    try {
      lease = await connections.acquire({ fresh });
      const reply = await lease.session.send(message);
      afterUse = 'keep';
      return { result: { outcome: 'sent', ...describeReply(reply, secrets) }, stale: false };
    } catch (failure) {
      if (!(failure instanceof SmtpFailure)) throw failure;
      if (isAtRest(failure)) afterUse = 'reset';
      const stale = lease?.reused === true && isClosedWhileIdle(failure);
      return { result: classifySmtpFailure(failure, secrets), stale };
    } finally {
      lease?.release(afterUse);
    }
  }

  async function probe(): Promise<boolean> {
    try {
      await connections.probe();
      return true;
    } catch {
      return false;
    }
  }

  return { name, send, probe, close: connections.close };
}

// A server that gives up on an idle connection says 421 or nothing. Our MAIL may cross that on the way.
function isClosedWhileIdle({ phase, error }: SmtpFailure): boolean {
  if (phase !== 'envelope') return false;
  if (error.response) return error.response.startsWith('421') && error.command === 'MAIL FROM';
  return error.code === 'ECONNECTION' || error.code === 'ESOCKET';
}

// After a refusal both sides are between two commands, unless the server spoke before the body was through.
function isAtRest({ phase, error }: SmtpFailure): boolean {
  if (phase === 'body') return false;
  return error.response ? isRefusal(error.response) : error.code === 'EENVELOPE' || error.code === 'EMESSAGE';
}
