import type { AttemptRow, FeedbackRow, MessageRow, ReplayRow } from '@tidings/db';
import { describe, expect, test } from 'vitest';
import { timelineOf } from './timeline.ts';

const message = (fields: Partial<MessageRow>) =>
  ({
    createdAt: 0,
    endedAt: null,
    deferredAt: null,
    status: 'queued',
    reason: null,
    ...fields,
  }) as MessageRow;
const attempt = (number: number, fields: Partial<AttemptRow>) =>
  ({
    number,
    generation: 0,
    startedAt: number * 10,
    finishedAt: number * 10 + 5,
    reason: null,
    code: null,
    ...fields,
  }) as AttemptRow;
const replay = (fields: Partial<ReplayRow>) => ({ generation: 1, reason: null, ...fields }) as ReplayRow;
const story = (ended: MessageRow, tries: AttemptRow[], sendAt: number | null, replays: ReplayRow[] = []) =>
  timelineOf({ message: ended, attempts: tries, replays, feedback: [] }, sendAt).map(
    ({ at, status, attempt: number }) => [Date.parse(at), status, number],
  );

test('a refusal for good is told as the end it was', () => {
  const ended = message({ status: 'failed', reason: 'rejected', endedAt: 15 });
  expect(story(ended, [attempt(1, { outcome: 'rejected' })], null)).toEqual([
    [0, 'queued', undefined],
    [10, 'sending', 1],
    [15, 'failed', 1],
  ]);
});

test('the failure that used the budget up ends the message, those before it were retried', () => {
  const ended = message({ status: 'failed', reason: 'attempts_exhausted', endedAt: 25 });
  const tries = [attempt(1, { outcome: 'transient' }), attempt(2, { outcome: 'transient' })];
  expect(story(ended, tries, null).map(([, status]) => status)).toEqual([
    'queued',
    'sending',
    'retrying',
    'sending',
    'failed',
  ]);
});

test('what a worker learns that had lost the message moves nothing, be it that it ended or that another has it', () => {
  const ended = message({ status: 'failed', reason: 'rejected', endedAt: 25 });
  const tries = [
    attempt(1, { outcome: 'transient', finishedAt: 22 }),
    attempt(2, { outcome: 'rejected' }),
    attempt(3, { outcome: 'bounced' }),
  ];
  expect(story(ended, tries, null)).toEqual([
    [0, 'queued', undefined],
    [10, 'sending', 1],
    [20, 'sending', 2],
    [22, undefined, 1],
    [25, 'failed', 2],
    [30, 'sending', 3],
    [35, undefined, 3],
  ]);
});

test('a refusal after an attempt in doubt is told as the end that it was: unknown', () => {
  const ended = message({ status: 'unknown', reason: 'ambiguous', endedAt: 25 });
  const tries = [attempt(1, { outcome: 'ambiguous' }), attempt(2, { outcome: 'rejected' })];
  expect(story(ended, tries, null).slice(2)).toEqual([
    [15, 'retrying', 1],
    [20, 'sending', 2],
    [25, 'unknown', 2],
  ]);
});

test('a success learned late comes when it came, after the failure it overrules', () => {
  const ended = message({ status: 'sent', endedAt: 40 });
  const tries = [attempt(1, { outcome: 'sent', finishedAt: 40 }), attempt(2, { outcome: 'rejected' })];
  expect(story(ended, tries, null)).toEqual([
    [0, 'queued', undefined],
    [10, 'sending', 1],
    [20, 'sending', 2],
    [25, 'failed', 2],
    [40, 'sent', 1],
  ]);
});

test('what ended while it waited is told apart from its last attempt', () => {
  const ended = message({ status: 'canceled', reason: 'canceled_by_request', endedAt: 90 });
  expect(story(ended, [attempt(1, { outcome: 'transient' })], null).slice(2)).toEqual([
    [15, 'retrying', 1],
    [90, 'canceled', undefined],
  ]);
});

test('a message without an address was never anything else', () => {
  expect(story(message({ status: 'skipped', reason: 'no_address', endedAt: 0 }), [], null)).toEqual([
    [0, 'skipped', undefined],
  ]);
});

test('what is scheduled begins so, and a try that still runs is the last word', () => {
  const sending = message({ status: 'sending' });
  const open = attempt(1, { outcome: 'started', finishedAt: null });
  expect(story(sending, [open], 5).map(([, status]) => status)).toEqual(['scheduled', 'sending']);
});

test('a replayed message tells its earlier end, when it was queued again, and how that went', () => {
  const ended = message({ status: 'sent', endedAt: 45 });
  const tries = [
    attempt(1, { outcome: 'transient' }),
    attempt(2, { outcome: 'transient' }),
    attempt(4, { outcome: 'sent', generation: 2 }),
  ];
  const replayed = replay({
    generation: 2,
    at: 40,
    status: 'failed',
    reason: 'attempts_exhausted',
    endedAt: 25,
  });
  expect(story(ended, tries, null, [replayed])).toEqual([
    [0, 'queued', undefined],
    [10, 'sending', 1],
    [15, 'retrying', 1],
    [20, 'sending', 2],
    [25, 'failed', 2],
    [40, 'queued', undefined],
    [40, 'sending', 4],
    [45, 'sent', 4],
  ]);
});

test('an end without an attempt is told too, however often it was taken back', () => {
  const replays = [
    replay({ generation: 1, at: 20, status: 'canceled', reason: 'canceled_by_request', endedAt: 10 }),
    replay({ generation: 2, at: 30, status: 'expired', reason: 'expired', endedAt: 30 }),
  ];
  expect(story(message({ status: 'queued' }), [], null, replays)).toEqual([
    [0, 'queued', undefined],
    [10, 'canceled', undefined],
    [20, 'queued', undefined],
    [30, 'expired', undefined],
    [30, 'queued', undefined],
  ]);
});

test('what was put off for quiet hours says when, and goes on from there', () => {
  const ended = message({ status: 'sent', endedAt: 45, deferredAt: 20 });
  const tries = [attempt(1, { outcome: 'transient' }), attempt(4, { outcome: 'sent' })];
  expect(story(ended, tries, null).map(([at, status]) => [at, status])).toEqual([
    [0, 'queued'],
    [10, 'sending'],
    [15, 'retrying'],
    [20, 'scheduled'],
    [40, 'sending'],
    [45, 'sent'],
  ]);
  const record = { message: ended, attempts: tries, replays: [], feedback: [] };
  expect(timelineOf(record, null)[3]).toMatchObject({ reason: 'quiet_hours' });
});

describe('what was told of a message', () => {
  const told = (type: FeedbackRow['type'], at: number, receivedAt = at) =>
    ({ type, at, receivedAt, source: 'sendgrid', code: null }) as FeedbackRow;
  const storyOf = (ended: MessageRow, tries: AttemptRow[], feedback: FeedbackRow[]) =>
    timelineOf({ message: ended, attempts: tries, replays: [], feedback }, null).map((entry) => [
      Date.parse(entry.at),
      entry.status ?? `${entry.feedback} (${entry.source})`,
    ]);
  const tries = [attempt(1, { outcome: 'sent' })];

  test('stands at the time when it happened, and what became of the message when it was told', () => {
    const feedback = [told('delivered', 20, 22), told('opened', 30)];
    expect(storyOf(message({ status: 'delivered', endedAt: 15 }), tries, feedback)).toEqual([
      [0, 'queued'],
      [10, 'sending'],
      [15, 'sent'],
      [20, 'delivered (sendgrid)'],
      [22, 'delivered'],
      [30, 'opened (sendgrid)'],
    ]);
  });

  test('a bounce of what was sent comes after that', () => {
    const bounced = message({ status: 'bounced', reason: 'invalid_address', endedAt: 25 });
    expect(storyOf(bounced, tries, [told('bounced', 20, 25)]).slice(2)).toEqual([
      [15, 'sent'],
      [20, 'bounced (sendgrid)'],
      [25, 'bounced'],
    ]);
  });
});
