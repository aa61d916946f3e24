import { describe, expect, test } from 'vitest';
import { checkInvariants } from './check-invariants.ts';
import type { ProcessLog } from './check-processes.ts';
import type { History } from './history.ts';

const at = 1_000_000;

/** A history of nothing but this. */
function historyOf(more: Partial<History>): History {
  const record = { notifications: [], messages: [], counts: {} };
  return { record, copies: [], requests: [], faults: [], maxFailures: 4, ...more };
}

/** A run in which `count` messages were sent, at times that `place` says, in milliseconds from its start. */
function sentAt(count: number, place: (index: number) => number): Partial<History> {
  const ids = Array.from({ length: count }, (_, index) => `msg-${index}`);
  const messages = ids.map((id) => ({
    id,
    notificationId: id,
    status: 'sent' as const,
    failures: 0,
    endedAt: at,
    attempts: [{ number: 1, outcome: 'sent' as const, startedAt: at, finishedAt: at }],
  }));
  const notifications = ids.map((id) => ({ id, idempotencyKey: id }));
  return {
    record: { messages, notifications, counts: { sent: count } },
    copies: ids.map((id, index) => ({ messageId: id, identity: id, body: '', at: at + place(index) })),
    perSecond: 10,
  };
}

const steady = Array.from({ length: 40 }, () => ({ residentBytes: 100e6, descriptors: 30 }));

function processOf(changes: Partial<ProcessLog>): Partial<History> {
  const well = { name: 'worker', exitCode: 0, tookMs: 300, output: '{"msg":"stopping"}', samples: steady };
  return { processes: [{ ...well, ...changes }] };
}

const secrets = (text: string) => ({
  secrets: { values: ['ada@example.com', 'tk_secret'], places: [{ name: 'the log', text }] },
});

describe('what keeps I8, I11 and I12 has no violation', () => {
  test.each<[string, Partial<History>]>([
    ['a window of ten each second', sentAt(50, (index) => Math.floor(index / 10) * 1000 + (index % 10))],
    ['two windows about a boundary', sentAt(20, (index) => (index < 10 ? 990 : 1010))],
    ['a log without anybody’s name', secrets('{"msg":"ready"}')],
    ['a process that ends well', processOf({})],
    ['one without samples', processOf({ samples: [] })],
    [
      'one that grows at first',
      processOf({ samples: steady.map((one, index) => (index < 8 ? { ...one, residentBytes: 40e6 } : one)) }),
    ],
  ])('%s', (_, more) => {
    expect(checkInvariants(historyOf(more))).toEqual([]);
  });
});

describe('what is planted is found', () => {
  test.each<[string, string, RegExp, Partial<History>]>([
    [
      'I8',
      'three windows in one second',
      /^30 sends in one second, of 10/,
      sentAt(30, (index) => index * 30),
    ],
    [
      'I8',
      'twice the limit, again and again',
      /^100 sends in 6 windows, of 10/,
      sentAt(100, (index) => Math.floor(index / 20) * 1000),
    ],
    ['I11', 'an address in a log', /the log tells ada@example.com/, secrets('to ada@example.com: no')],
    ['I11', 'a key in a log', /the log tells tk_secret/, secrets('Bearer tk_secret')],
    ['I12', 'a crash', /worker ended with 1/, processOf({ exitCode: 1 })],
    ['I12', 'a kill', /worker ended with null/, processOf({ exitCode: null })],
    ['I12', 'a late exit', /worker took 10001 ms/, processOf({ tookMs: 10_001 })],
    [
      'I12',
      'an unhandled rejection',
      /UnhandledPromiseRejection/,
      processOf({ output: 'x\n[UnhandledPromiseRejection: no]\n' }),
    ],
    [
      'I12',
      'memory that grows',
      /residentBytes of worker went from/,
      processOf({ samples: steady.map((one, index) => ({ ...one, residentBytes: 1e8 + index * 1e7 })) }),
    ],
    [
      'I12',
      'descriptors that leak',
      /descriptors of worker went from/,
      processOf({ samples: steady.map((one, index) => ({ ...one, descriptors: 30 + 2 * index })) }),
    ],
  ])('%s: %s', (invariant, _, what, more) => {
    const violations = checkInvariants(historyOf(more));
    expect(violations).toContainEqual({ invariant, what: expect.stringMatching(what) });
  });
});
