import { type AttemptOutcome, canMove, hasEnded, type NotificationStatus } from '@tidings/contracts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fuzzRuns } from '../support/fuzz.ts';
import { until } from '../support/until.ts';
import { budget, copiesAtMost, known, mayFollow, possibleEnds } from './model.ts';
import {
  commands,
  firstSends,
  killWorker,
  type Model,
  pause,
  type Sent,
  startWorker,
} from './model-commands.ts';
import { openSystem, type System } from './model-system.ts';

let opened: Awaited<ReturnType<typeof openSystem>>;
beforeAll(async () => {
  opened = await openSystem();
});
afterAll(() => opened.close());

test('whatever is asked and whatever happens: every message ends as it may, with no copy too many', async () => {
  await fc.assert(
    fc.asyncProperty(firstSends, commands(40), async (first, sequence) => {
      const system = await opened.fresh();
      const model: Model = { sent: [], workers: 0, paused: false };
      try {
        for (const send of first) await send.run(model, system);
        await fc.asyncModelRun(() => ({ model, real: system }), sequence);
        await letItEnd(model, system);
        for (const sent of model.sent) await checkMessage(system, sent);
        await checkSums(model, system);
        for (const { before, after } of await system.moves()) {
          expect(canMove(before, after), `${before} → ${after}`).toBe(true);
        }
      } finally {
        await system.end();
        await pause(false).run(model, system);
      }
    }),
    // Time goes its own way: a smaller sequence that fails may fail for something else.
    { ...fuzzRuns(8), endOnFailure: true },
  );
});

/** Nothing more is asked, the queues run, everything is due, and a worker that nothing holds is there. */
async function letItEnd(model: Model, system: System): Promise<void> {
  await pause(false).run(model, system);
  await system.comeDue();
  while (model.workers > 0) await killWorker.run(model, system);
  await startWorker.run(model, system);
  for (const { messageId } of model.sent) {
    await until(
      async () => {
        // What the provider still keeps waiting it answers in the end.
        system.release();
        return messageOf(system, messageId);
      },
      ({ status }) => hasEnded(status),
      30_000,
    );
  }
}

async function messageOf(system: System, id: string) {
  const found = await system.store.getMessage(system.projectId, id);
  if (found === undefined) throw new Error(`no message ${id}`);
  return { ...found.message, attempts: found.attempts };
}

async function checkMessage(system: System, { messageId, known }: Sent): Promise<void> {
  const { status, reason, failures, attempts } = await messageOf(system, messageId);
  const outcomes = attempts.map(({ outcome }) => outcome);
  const count = (...wanted: AttemptOutcome[]) =>
    outcomes.filter((outcome) => wanted.includes(outcome)).length;
  const story = JSON.stringify({ status, known, outcomes });
  expect([...possibleEnds(known)], story).toContain(status);
  expect(mayFollow(known, status), story).toBe(true);
  expect(reason === null, story).toBe(status === 'sent');
  // A success wins, however late.
  expect(count('sent') > 0, story).toBe(status === 'sent');
  expect(attempts.map(({ number }) => number)).toEqual(attempts.map((_, index) => index + 1));
  expect(count('started'), story).toBe(0);
  expect(count('lost'), story).toBeLessThanOrEqual(known.doubts);
  if (known.replays + known.doubts === 0) {
    expect(failures, story).toBe(count('transient', 'ambiguous', 'rejected', 'bounced'));
  }
  expect(failures, story).toBeLessThanOrEqual(budget);
  const copies = system.copies.filter((copy) => copy.messageId === messageId);
  expect(copies.length, story).toBeLessThanOrEqual(copiesAtMost(known, count('ambiguous')));
  if (status === 'sent') expect(copies.length, story).toBeGreaterThan(0);
  expect(new Set(copies.map(({ date }) => date)).size).toBeLessThanOrEqual(1);
}

async function checkSums(model: Model, system: System): Promise<void> {
  const count = async (status: NotificationStatus) => (await system.list(`&status=${status}`)).length;
  expect(await count('accepted')).toBe(0);
  expect(await count('partial')).toBe(0);
  expect((await count('completed')) + (await count('ended'))).toBe(model.sent.length);
  const ids = new Set(model.sent.map(({ messageId }) => messageId));
  expect(system.copies.every(({ messageId }) => ids.has(messageId))).toBe(true);
}

describe('the model knows what is not possible', () => {
  const plain = { script: [], holds: false, scheduled: false, expires: false };
  const endsOf = (changes: object) => [...possibleEnds({ ...known(plain), ...changes })].sort();

  test('what nothing happens to ends as the provider says', () => {
    expect(endsOf({})).toEqual(['sent']);
    expect(endsOf({ script: ['held', 'transient', 'bounced'] })).toEqual(['bounced']);
    expect(endsOf({ script: Array(4).fill('transient') })).toEqual(['failed']);
    expect(endsOf({ script: ['transient', 'ambiguous', 'transient', 'transient', 'sent'] })).toEqual([
      'unknown',
    ]);
    expect(endsOf({ script: ['ambiguous'], holds: true })).toEqual(['unknown']);
    expect(endsOf({ script: ['ambiguous', 'rejected'] })).toEqual(['unknown']);
    expect(endsOf({ script: ['ambiguous', 'bounced'] })).toEqual(['bounced']);
  });

  test('a cancel, an expiry or a lost worker allow what they may cause, and no more', () => {
    expect(endsOf({ cancel: 'canceled' })).toEqual(['canceled']);
    expect(endsOf({ cancel: 'pending' })).toEqual(['canceled', 'sent']);
    expect(endsOf({ cancel: 'in_doubt' })).toEqual(['sent']);
    expect(endsOf({ cancel: 'in_doubt', script: ['ambiguous', 'bounced'] })).toEqual(['bounced', 'unknown']);
    expect(endsOf({ expires: true, timePassed: true })).toEqual(['expired', 'sent']);
    expect(endsOf({ script: ['rejected'], doubts: 1 })).toEqual(['failed', 'sent', 'unknown']);
  });

  test('an end is left only where something can take it back', () => {
    expect(mayFollow({ ...known(plain), seen: 'failed' }, 'queued')).toBe(false);
    expect(mayFollow({ ...known(plain), seen: 'failed', mayHaveLeftEnd: true }, 'sent')).toBe(true);
    expect(mayFollow({ ...known(plain), seen: 'sent', mayHaveLeftEnd: true }, 'queued')).toBe(false);
    expect(mayFollow({ ...known(plain), seen: 'sending' }, 'retrying')).toBe(true);
  });
});
