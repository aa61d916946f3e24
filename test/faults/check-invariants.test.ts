import type { MessageStatus } from '@tidings/contracts';
import { describe, expect, test } from 'vitest';
import { checkInvariants } from './check-invariants.ts';
import type { History, RecordedMessage } from './history.ts';

const at = 1_000_000;

function message(id: string, changes: Partial<RecordedMessage> = {}): RecordedMessage {
  const attempts = [{ number: 1, outcome: 'sent' as const, startedAt: at, finishedAt: at + 10 }];
  return {
    id,
    notificationId: `ntf_${id}`,
    status: 'sent',
    failures: 0,
    endedAt: at + 10,
    attempts,
    ...changes,
  };
}

function copy(messageId: string, changes: Partial<History['copies'][number]> = {}) {
  return { messageId, identity: `<${messageId}@x> Mon`, body: 'body', at: at + 5, ...changes };
}

function request(messageId: string, changes: Partial<History['requests'][number]> = {}) {
  const ids = { notificationId: `ntf_${messageId}`, messageIds: [messageId] };
  return { key: `key-${messageId}`, bodyHash: 'h', status: 202, at, ...ids, ...changes };
}

/** Two messages, sent once each. */
function clean(changes: Partial<History> = {}): History {
  const messages = changes.record?.messages ?? [message('a'), message('b')];
  const counts: Partial<Record<MessageStatus, number>> = {};
  for (const { status } of messages) counts[status] = (counts[status] ?? 0) + 1;
  const notifications = messages.map(({ id }) => ({ id: `ntf_${id}`, idempotencyKey: `key-${id}` }));
  return {
    copies: [copy('a'), copy('b')],
    requests: [request('a'), request('b')],
    faults: [],
    maxFailures: 4,
    ...changes,
    record: { notifications, messages, counts, ...changes.record },
  };
}

/** The history in which only message `a` is another. */
const withA = (a: Partial<RecordedMessage>, changes: Partial<History> = {}) => {
  const messages = [message('a', a), message('b')];
  return clean({ ...changes, record: { messages } as History['record'] });
};

const kill = { name: 'worker killed', ambiguous: true, from: at + 5, to: at + 5 };
const taken = [
  { number: 1, outcome: 'lost' as const, startedAt: at, finishedAt: at + 20 },
  { number: 2, outcome: 'sent' as const, startedAt: at + 20, finishedAt: at + 30 },
];
const twice = [copy('a'), copy('a'), copy('b')];

describe('a history that keeps the invariants has no violation', () => {
  test.each<[string, History]>([
    ['everything sent once', clean()],
    [
      'a second copy of a message whose worker was killed',
      withA({ attempts: taken }, { copies: twice, faults: [kill] }),
    ],
    [
      'a request without an answer, asked again',
      clean({
        requests: [
          request('a', { status: undefined, notificationId: undefined, messageIds: [] }),
          request('a'),
          request('b'),
        ],
      }),
    ],
    [
      'a key refused for another body',
      clean({
        requests: [
          request('a'),
          request('a', { status: 422, bodyHash: 'other', messageIds: [] }),
          request('b'),
        ],
      }),
    ],
    [
      'a rejected message that nobody got',
      withA(
        {
          status: 'failed',
          failures: 1,
          attempts: [{ number: 1, outcome: 'rejected', startedAt: at, finishedAt: at + 10 }],
        },
        { copies: [copy('b')] },
      ),
    ],
    [
      'statuses as they go',
      clean({
        sightings: [
          { messageId: 'a', status: 'queued' },
          { messageId: 'a', status: 'retrying' },
        ],
      }),
    ],
    ['a success that came late', clean({ sightings: [{ messageId: 'a', status: 'failed' }] })],
    ['a drain in time', clean({ drain: { from: at, withinMs: 1000 } })],
  ])('%s', (_, history) => {
    expect(checkInvariants(history)).toEqual([]);
  });
});

describe('a planted violation is found', () => {
  const gap = taken.map((attempt, index) => ({ ...attempt, number: 2 * index + 1 }));
  test.each<[string, string, RegExp, History]>([
    [
      'I1',
      'a lost message',
      /a \(key-a\) was accepted and is not on record/,
      clean({ record: { messages: [message('b')] } as History['record'], copies: [copy('b')] }),
    ],
    [
      'I1',
      'a message that never ends',
      /a is still retrying/,
      withA({ status: 'retrying', endedAt: null, attempts: [] }, { copies: [copy('b')] }),
    ],
    [
      'I2',
      'a mail that nobody accepted',
      /c was sent and never accepted/,
      clean({ copies: [copy('a'), copy('b'), copy('c')] }),
    ],
    ['I2', 'a mail without an attempt', /a was sent 1 times in 0 attempts/, withA({ attempts: [] })],
    [
      'I3',
      'a double without a cause',
      /a is sent and arrived 2 times, hit by 0 faults/,
      withA({ attempts: taken }, { copies: twice }),
    ],
    [
      'I3',
      'a double whose fault was at another time',
      /a is sent and arrived 2 times/,
      withA({ attempts: taken }, { copies: twice, faults: [{ ...kill, from: at + 50, to: at + 60 }] }),
    ],
    [
      'I3',
      'a double whose fault hit another message',
      /a is sent and arrived 2 times/,
      withA({ attempts: taken }, { copies: twice, faults: [{ ...kill, messageIds: ['b'] }] }),
    ],
    [
      'I3',
      'a double after a fault that leaves no doubt',
      /a is sent and arrived 2 times/,
      withA({ attempts: taken }, { copies: twice, faults: [{ ...kill, ambiguous: false }] }),
    ],
    [
      'I3',
      'a third copy after one fault',
      /a is sent and arrived 3 times, hit by 1/,
      withA(
        { attempts: [...taken, { number: 3, outcome: 'sent', startedAt: at + 25, finishedAt: at + 40 }] },
        { copies: [copy('a'), ...twice], faults: [kill] },
      ),
    ],
    [
      'I3',
      'a sent message that never arrived',
      /a is sent and never arrived/,
      clean({ copies: [copy('b')] }),
    ],
    ['I3', 'a failed message that arrived', /a is failed and arrived 1 times/, withA({ status: 'failed' })],
    [
      'I4',
      'copies of different Message-ID or Date',
      /copies of a differ/,
      withA(
        { attempts: taken },
        { copies: [copy('a', { identity: '<a@x> Tue' }), ...clean().copies], faults: [kill] },
      ),
    ],
    [
      'I4',
      'copies of different bodies',
      /copies of a have different bodies/,
      withA(
        { attempts: taken },
        { copies: [copy('a', { body: 'other' }), ...clean().copies], faults: [kill] },
      ),
    ],
    [
      'I5',
      'a status that goes back',
      /a went back from sent to sending/,
      clean({
        sightings: [
          { messageId: 'a', status: 'sent' },
          { messageId: 'a', status: 'sending' },
        ],
      }),
    ],
    [
      'I5',
      'an end that was taken back',
      /a went back from bounced to failed/,
      withA(
        { status: 'failed' },
        { copies: [copy('b')], sightings: [{ messageId: 'a', status: 'bounced' }] },
      ),
    ],
    ['I5', 'a gap in the attempts', /a has the attempts 1, 3/, withA({ attempts: gap })],
    [
      'I5',
      'an attempt left open',
      /a is sent with an attempt still open/,
      withA({ attempts: [{ number: 1, outcome: 'started', startedAt: at, finishedAt: null }] }),
    ],
    [
      'I5',
      'an attempt after a success',
      /attempt 2 began after a success/,
      withA({
        attempts: [
          ...message('a').attempts,
          { number: 2, outcome: 'held', startedAt: at + 11, finishedAt: at + 12 },
        ],
      }),
    ],
    [
      'I6',
      'one key, two notifications on record',
      /key-a made 2 notifications/,
      clean({
        record: {
          notifications: [...clean().record.notifications, { id: 'ntf_b', idempotencyKey: 'key-a' }],
        } as History['record'],
      }),
    ],
    [
      'I6',
      'one key, two answers',
      /key-a had 2 answers/,
      clean({ requests: [request('a'), request('b', { key: 'key-a' })] }),
    ],
    [
      'I6',
      'one key accepted with two bodies',
      /key-a was accepted with different bodies/,
      clean({ requests: [request('a'), request('a', { bodyHash: 'other' }), request('b')] }),
    ],
    [
      'I3',
      'one in doubt that is called failed',
      /a is called failed, and may have arrived/,
      withA({
        status: 'failed',
        failures: 2,
        attempts: [
          { number: 1, outcome: 'ambiguous', startedAt: at, finishedAt: at + 20 },
          { number: 2, outcome: 'transient', startedAt: at + 20, finishedAt: at + 30 },
        ],
      }),
    ],
    [
      'I3',
      'one whose worker was lost that is called canceled',
      /a is called canceled, and may have arrived/,
      withA({ status: 'canceled', attempts: taken.slice(0, 1) }, { copies: [copy('b')] }),
    ],
    [
      'I6',
      'a repeat refused for its own body',
      /key-a was refused for the body/,
      clean({ requests: [request('a'), request('a', { status: 422, messageIds: [] }), request('b')] }),
    ],
    ['I7', 'a budget exceeded', /a has 5 failures of 4/, withA({ failures: 5 })],
    [
      'I7',
      'a kill that counted against the budget',
      /a has 1 failures in 0 failed attempts/,
      withA({ failures: 1, attempts: taken }),
    ],
    [
      'I9',
      'a sum that is not equal',
      /2 messages on record, 3 by status/,
      clean({ record: { counts: { sent: 2, queued: 1 } } as History['record'] }),
    ],
    [
      'I9',
      'half of an accept',
      /ntf_c has no message/,
      clean({
        record: {
          notifications: [...clean().record.notifications, { id: 'ntf_c', idempotencyKey: null }],
        } as History['record'],
      }),
    ],
    [
      'I10',
      'a drain that took too long',
      /a ended 10 ms after the faults, not 5/,
      clean({ drain: { from: at, withinMs: 5 } }),
    ],
  ])('%s: %s', (invariant, _, what, history) => {
    const violations = checkInvariants(history);
    expect(violations).toContainEqual({ invariant, what: expect.stringMatching(what) });
  });
});
