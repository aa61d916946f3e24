import { describe, expect, test } from 'vitest';
import { classifySmtpFailure, describeReply, type SmtpFault, type SmtpPhase } from './smtp-failures.ts';

const phases: SmtpPhase[] = ['connect', 'greeting', 'tls', 'auth', 'envelope', 'body', 'handed_over'];
const beforeEnvelope = phases.slice(0, 4);
const message = phases.slice(4);
const beforeHandover = phases.slice(4, 6);

function verdict(phase: SmtpPhase, fault: Partial<SmtpFault>): string {
  const error = Object.assign(new Error('went wrong'), fault);
  const { outcome, reason } = classifySmtpFailure({ phase, error });
  return `${outcome} ${reason}`;
}

const unavailable = 'held provider_unavailable';
const misconfigured = 'held provider_configuration';
const transient = 'transient provider_transient';

describe('classifySmtpFailure', () => {
  test.each<[reply: string, phases: SmtpPhase[], expected: string]>([
    ['421 4.3.2 Shutting down', phases, unavailable],
    ['454 4.7.0 TLS not available', phases, unavailable],
    ['530 5.7.0 Authentication required', phases, misconfigured],
    ['534 5.7.9 Mechanism too weak', phases, misconfigured],
    ['535 5.7.8 Bad credentials', phases, misconfigured],
    ['450 4.7.1 Later', beforeEnvelope, unavailable],
    ['554 5.7.1 No service for you', beforeEnvelope, misconfigured],
    ['550 5.1.1 No such user', message, 'bounced invalid_address'],
    ['550-5.1.1 No such\n550 5.1.1 user', message, 'bounced invalid_address'],
    ['550 5.1.2 No such host', message, 'bounced invalid_address'],
    ['553 5.1.3 Bad syntax', message, 'bounced invalid_address'],
    ['551 5.1.6 Moved', message, 'bounced invalid_address'],
    ['550 5.2.1 Disabled', message, 'bounced invalid_address'],
    ['550 No', message, 'rejected rejected'],
    ['550 5.1.10 Null MX', message, 'rejected rejected'],
    ['552 5.2.2 Full', message, 'rejected rejected'],
    ['554 5.6.0 Malformed', message, 'rejected rejected'],
    ['554 5.7.1 Spam', message, 'rejected rejected'],
    ['550 4.7.1 The basic code says for good', message, 'rejected rejected'],
    ['450 Busy', message, 'transient provider_transient'],
    ['450 5.1.1 The basic code says later', message, 'transient provider_transient'],
    ['451 4.7.1 Greylisted', message, 'transient provider_transient'],
    ['452 4.2.2 Full', message, 'transient provider_transient'],
    ['banana', beforeEnvelope, unavailable],
    ['banana', beforeHandover, 'transient provider_transient'],
    ['banana', ['handed_over'], 'ambiguous ambiguous'],
    ['5501 Not a code', ['handed_over'], 'ambiguous ambiguous'],
    ['354 Not now', ['handed_over'], 'ambiguous ambiguous'],
  ])('%s', (response, inPhases, expected) => {
    for (const phase of inPhases) {
      const fault = { code: 'EENVELOPE', command: 'RCPT TO', response };
      expect(verdict(phase, fault), phase).toBe(expected);
    }
  });

  test.each<[what: string, fault: Partial<SmtpFault>, phases: SmtpPhase[], expected: string]>([
    ['refused', { code: 'ESOCKET', originalCode: 'ECONNREFUSED' }, ['connect'], unavailable],
    ['unreachable', { code: 'ESOCKET', originalCode: 'EHOSTUNREACH' }, ['connect'], unavailable],
    ['no such host', { code: 'EDNS', originalCode: 'ENOTFOUND' }, ['connect'], unavailable],
    ['timeout', { code: 'ETIMEDOUT' }, beforeEnvelope, unavailable],
    ['closed', { code: 'ECONNECTION' }, beforeEnvelope, unavailable],
    ['reset', { code: 'ESOCKET', originalCode: 'ECONNRESET' }, beforeEnvelope, unavailable],
    [
      'expired certificate',
      { code: 'ESOCKET', originalCode: 'CERT_HAS_EXPIRED' },
      ['connect', 'tls'],
      misconfigured,
    ],
    [
      'not TLS',
      { code: 'ESOCKET', originalCode: 'ERR_SSL_WRONG_VERSION_NUMBER' },
      ['connect'],
      misconfigured,
    ],
    ['no STARTTLS', { code: 'ETLS' }, ['greeting', 'tls'], misconfigured],
    ['no AUTH', { code: 'EAUTH' }, ['auth'], misconfigured],
    ['reply over the limit', { code: 'EPROTOCOL' }, beforeEnvelope, unavailable],
    ['reply over the limit', { code: 'EPROTOCOL' }, beforeHandover, 'transient provider_transient'],
    ['reply over the limit', { code: 'EPROTOCOL' }, ['handed_over'], 'ambiguous ambiguous'],
    ['closed', { code: 'ECONNECTION' }, beforeHandover, 'transient connection_lost'],
    ['timeout', { code: 'ETIMEDOUT' }, beforeHandover, 'transient connection_lost'],
    ['closed', { code: 'ECONNECTION' }, ['handed_over'], 'ambiguous connection_lost'],
    ['timeout', { code: 'ETIMEDOUT' }, ['handed_over'], 'ambiguous connection_lost'],
    ['illegal address', { code: 'EENVELOPE', command: 'RCPT TO' }, ['envelope'], 'bounced invalid_address'],
    ['illegal sender', { code: 'EENVELOPE', command: 'MAIL FROM' }, ['envelope'], misconfigured],
    ['over SIZE', { code: 'EMESSAGE', command: 'MAIL FROM' }, ['envelope'], 'rejected rejected'],
  ])('%s (%o)', (_what, fault, inPhases, expected) => {
    for (const phase of inPhases) expect(verdict(phase, fault), phase).toBe(expected);
  });

  test.each<[reply: string, toMail: string, toRcpt: string, toData: string]>([
    ['550 5.1.1 Unknown', misconfigured, 'bounced invalid_address', 'rejected rejected'],
    ['550 5.2.1 Disabled', misconfigured, 'bounced invalid_address', 'rejected rejected'],
    ['553 5.1.7 Bad sender', misconfigured, misconfigured, misconfigured],
    ['550 5.1.8 No such domain', misconfigured, misconfigured, misconfigured],
    ['550 No', 'rejected rejected', 'rejected rejected', 'rejected rejected'],
    ['554 5.7.1 Not you', 'rejected rejected', 'rejected rejected', 'rejected rejected'],
    ['450 5.1.8 Later', transient, transient, transient],
    ['450 4.1.8 No such domain', transient, transient, transient],
  ])('whose address %s is about, the command says or the code', (response, ...expected) => {
    const commands = ['MAIL FROM', 'RCPT TO', 'DATA'];
    const verdicts = commands.map((command) => verdict('envelope', { code: 'EENVELOPE', command, response }));
    expect(verdicts).toEqual(expected);
  });

  test('what is said of the sender once the recipient is known may be of that recipient', () => {
    const blameAt = (command: string) => {
      const error = Object.assign(new Error('Failed'), { command, response: '550 5.1.8 No such domain' });
      return classifySmtpFailure({ phase: 'envelope', error }).blame;
    };
    expect(['MAIL FROM', 'RCPT TO', 'DATA'].map(blameAt)).toEqual([undefined, 'either', 'either']);
  });

  test.each(['421 4.3.2 Busy', '454 4.7.0 Later'])(
    '%s: whose fault it is nobody can tell once a message is under way',
    (response) => {
      const blameIn = (phase: SmtpPhase) =>
        classifySmtpFailure({ phase, error: Object.assign(new Error('Failed'), { response }) }).blame;
      expect(new Set(message.map(blameIn))).toEqual(new Set(['either']));
      expect(new Set(beforeEnvelope.map(blameIn))).toEqual(new Set([undefined]));
    },
  );

  test('code and response say what the server said', () => {
    const error = Object.assign(new Error('Failed'), {
      code: 'EENVELOPE',
      response: '550-5.1.1 No\n550 5.1.1 way',
    });
    const result = classifySmtpFailure({ phase: 'envelope', error });
    expect(result).toMatchObject({ code: '550 5.1.1', response: '550-5.1.1 No 550 5.1.1 way' });
  });

  test('without a reply the code is that of the network', () => {
    const error = Object.assign(new Error('connect ECONNREFUSED'), {
      code: 'ESOCKET',
      originalCode: 'ECONNREFUSED',
    });
    const result = classifySmtpFailure({ phase: 'connect', error });
    expect(result).toMatchObject({ code: 'ECONNREFUSED', response: 'connect ECONNREFUSED' });
  });
});

describe('describeReply', () => {
  test('a long reply is cut to 500 characters and holds no control characters', () => {
    const { code, response } = describeReply(`250 \u0007\u001b[31m${'x'.repeat(1000)}`);
    expect(code).toBe('250');
    expect(response).toHaveLength(500);
    expect(response).not.toMatch(/\p{Cc}/u);
  });
});
