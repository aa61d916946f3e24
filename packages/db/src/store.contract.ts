import { randomUUID } from 'node:crypto';
import {
  canMove,
  type MessageStatus,
  messageStatuses,
  replayableStatuses,
  type SendOutput,
  type UpsertRecipientInput,
} from '@tidings/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AcceptItem, Database, Settlement, Store, Verdict } from './index.ts';
import { createStore, maxUnanswered } from './index.ts';

const leaseMs = 60_000;
const worker = 'worker-1';

/** What every dialect's store must do. `open` gives an empty database with the schema in place. */
export function storeContract(dialect: string, open: () => Promise<Database>): void {
  describe(`the store on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    let projectId: string;
    let made = 0;

    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      projectId = await store.ensureProject({ id: 'prj_1', key: 'default' });
    });
    afterEach(() => database.close());

    type MessageOptions = Partial<AcceptItem['messages'][number]>;

    function item(
      options: { key?: string; hash?: string; message?: MessageOptions; messages?: number } = {},
    ): AcceptItem {
      made += 1;
      const id = `ntf_${String(made).padStart(6, '0')}`;
      const answer: SendOutput = { id, status: 'accepted', messages: [] };
      const expiresAt = Date.now() + 3_600_000;
      return {
        notification: {
          id,
          projectId,
          idempotencyKey: options.key ?? null,
          requestHash: options.hash ?? null,
          data: { name: 'Ünïcode 🎉' },
          metadata: {},
          lane: 'normal',
          expiresAt,
          answer,
        },
        messages: Array.from({ length: options.messages ?? 1 }, (_, index) => ({
          id: `msg_${String(made).padStart(6, '0')}${index}`,
          notificationId: id,
          projectId,
          channel: 'email' as const,
          lane: 'normal' as const,
          status: 'queued' as const,
          address: 'ada@example.com',
          onAmbiguous: 'resend' as const,
          place: 'queue' as const,
          expiresAt,
          ...options.message,
        })),
      };
    }

    async function accepted(message: MessageOptions = {}): Promise<string> {
      const one = item({ message });
      await store.accept([one]);
      return one.messages[0]?.id ?? '';
    }

    /** Has so many of the project's normal e-mails enter the window. */
    async function entering(limit: number, lookaheadMs: number) {
      const lane = { channel: 'email', lane: 'normal', lookaheadMs } as const;
      return (await store.enterWindow({ ...lane, rooms: [{ projectId, limit }] })).flat();
    }

    async function statusOf(id: string): Promise<MessageStatus> {
      return (await messageOf(id)).status;
    }

    async function messageOf(id: string) {
      const found = await store.getMessage(projectId, id);
      if (found === undefined) throw new Error(`no message ${id}`);
      return { ...found.message, attempts: found.attempts };
    }

    async function claimOne(id: string, options: { leaseMs?: number; token?: string } = {}) {
      const { claimed } = await store.claim({
        ids: [id],
        token: options.token ?? `token-${Math.random()}`,
        owner: worker,
        leaseMs: options.leaseMs ?? leaseMs,
      });
      return claimed[0]?.message;
    }

    /** Claims with a lease that has run out by the time the promise resolves. */
    async function claimAndDie(id: string) {
      const message = await claimOne(id, { leaseMs: -1000 });
      if (message === undefined) throw new Error(`could not claim ${id}`);
      return message;
    }

    function settlement(
      message: { id: string; leaseToken: string | null; attempt: number },
      verdict: Verdict,
      outcome: Settlement['outcome'] = 'transient',
    ): Settlement {
      return {
        messageId: message.id,
        token: message.leaseToken ?? '',
        attempt: message.attempt,
        generation: 0,
        worker,
        outcome,
        reason: 'reason' in verdict ? verdict.reason : null,
        provider: 'test',
        code: '451',
        response: 'later',
        verdict,
      };
    }

    const sent: Verdict = { status: 'sent' };
    const retry = (delayMs = 0, park = false): Verdict => ({
      status: 'retrying',
      reason: 'provider_transient',
      countsFailure: true,
      delayMs,
      park,
    });
    const failed: Verdict = { status: 'failed', reason: 'rejected', countsFailure: true };

    describe('accepting', () => {
      test('a notification and its messages are stored together', async () => {
        const one = item({ messages: 3 });
        expect(await store.accept([one])).toEqual([{ kind: 'stored' }]);
        const found = await store.getNotification(projectId, one.notification.id);
        expect(found?.messages.map(({ id }) => id)).toEqual(one.messages.map(({ id }) => id));
        expect(found?.notification.data).toEqual({ name: 'Ünïcode 🎉' });
      });

      test('of equal keys in one commit the first is stored and the others get its answer', async () => {
        const items = [1, 2, 3].map(() => item({ key: 'k', hash: 'h' }));
        const results = await store.accept(items);
        const answer = items[0]?.notification.answer;
        expect(results).toEqual([
          { kind: 'stored' },
          { kind: 'replayed', answer },
          { kind: 'replayed', answer },
        ]);
      });

      test('a loser leaves no message behind', async () => {
        const [first, second] = [item({ key: 'k', hash: 'h' }), item({ key: 'k', hash: 'h' })];
        await store.accept([first]);
        await store.accept([second]);
        expect(await store.getMessage(projectId, second.messages[0]?.id ?? '')).toBeUndefined();
      });

      test('a key used with another request is a conflict', async () => {
        await store.accept([item({ key: 'k', hash: 'one' })]);
        expect(await store.accept([item({ key: 'k', hash: 'two' })])).toEqual([{ kind: 'conflict' }]);
      });

      test('the same key in two projects makes two notifications', async () => {
        const other = await store.ensureProject({ id: 'prj_2', key: 'other' });
        const theirs = item({ key: 'k', hash: 'h' });
        theirs.notification.projectId = other;
        const results = await store.accept([item({ key: 'k', hash: 'h' }), theirs]);
        expect(results).toEqual([{ kind: 'stored' }, { kind: 'stored' }]);
      });

      test('requests without a key never meet', async () => {
        const results = await store.accept([item(), item()]);
        expect(results).toEqual([{ kind: 'stored' }, { kind: 'stored' }]);
      });

      test('when one row is impossible nothing of the commit is stored', async () => {
        const good = item();
        const bad = item();
        bad.notification.projectId = 'prj_none';
        await expect(store.accept([good, bad])).rejects.toThrow();
        expect(await store.getNotification(projectId, good.notification.id)).toBeUndefined();
      });
    });

    describe('claiming', () => {
      test('a queued message is claimed once, with an open attempt written first', async () => {
        const id = await accepted();
        const message = await claimOne(id);
        expect(message).toMatchObject({ status: 'sending', attempt: 1, leaseOwner: worker });
        expect((await messageOf(id)).attempts).toMatchObject([{ number: 1, outcome: 'started' }]);
        expect(await claimOne(id)).toBeUndefined();
      });

      test('a claim brings the payload, and tells of those it did not get', async () => {
        const ids = [await accepted(), await accepted({ status: 'scheduled', place: 'store' })];
        const { claimed, refused } = await store.claim({ ids, token: 't', owner: worker, leaseMs });
        expect(claimed.map(({ notification }) => notification.data)).toEqual([{ name: 'Ünïcode 🎉' }]);
        expect(refused.map(({ message }) => message.status)).toEqual(['scheduled']);
        expect(refused[0]?.now).toBeGreaterThan(Date.now() - 5000);
      });

      test('what is not due, expired or canceled is not claimed', async () => {
        const soon = Date.now() + 60_000;
        const past = Date.now() - 1000;
        const canceled = item();
        await store.accept([canceled]);
        const sending = await claimOne(canceled.messages[0]?.id ?? '');
        await store.cancel(projectId, canceled.notification.id);
        expect(sending?.status).toBe('sending');
        for (const id of [await accepted({ dueAt: soon }), await accepted({ expiresAt: past })]) {
          expect(await claimOne(id)).toBeUndefined();
        }
      });

      test('a message of a dead worker is claimed again and its open attempt is closed as lost', async () => {
        const id = await accepted();
        const first = await claimAndDie(id);
        const second = await claimOne(id);
        expect(second).toMatchObject({ attempt: 2, firstClaimedAt: first.firstClaimedAt });
        expect((await messageOf(id)).attempts).toMatchObject([
          { number: 1, outcome: 'lost', reason: 'worker_lost' },
          { number: 2, outcome: 'started' },
        ]);
      });

      test('with onAmbiguous hold a dead worker’s message is not sent again but ends as unknown', async () => {
        const id = await accepted({ onAmbiguous: 'hold' });
        await claimAndDie(id);
        expect(await claimOne(id)).toBeUndefined();
        expect(await store.endUnsendable([id])).toEqual([id]);
        expect(await messageOf(id)).toMatchObject({ status: 'unknown', reason: 'worker_lost', place: null });
      });

      test('the parts of its e-mail come with a claim, and are not read otherwise', async () => {
        const [one, other] = [item(), item()];
        one.notification.emailParts = {
          attachments: [{ filename: 'a.txt', contentType: 'text/plain', content: 'QQ==' }],
        };
        await store.accept([one, other]);
        const ids = [one, other].map(({ messages }) => messages[0]?.id ?? '');
        const { claimed } = await store.claim({ ids, token: 'parts', owner: worker, leaseMs });
        const parts = claimed.map(({ notification }) => [notification.id, notification.emailParts]);
        expect(Object.fromEntries(parts)).toEqual({
          [one.notification.id]: one.notification.emailParts,
          [other.notification.id]: null,
        });
        const read = await store.getNotification(projectId, one.notification.id);
        expect(read?.notification).not.toHaveProperty('emailParts');
      });

      test(`${maxUnanswered} claims without an outcome end as unknown`, async () => {
        const id = await accepted();
        for (let claims = 0; claims < maxUnanswered; claims += 1) await claimAndDie(id);
        expect(await claimOne(id)).toBeUndefined();
        await store.endUnsendable([id]);
        expect(await messageOf(id)).toMatchObject({ status: 'unknown', reason: 'worker_lost' });
      });

      test('a claim whose answer was lost is taken over at once by who made it, and by nobody else', async () => {
        const ids = await Promise.all([
          accepted({ onAmbiguous: 'hold' }),
          accepted({ onAmbiguous: 'resend' }),
        ]);
        await store.claim({ ids, token: 'unheard', owner: worker, leaseMs });
        const again = { ids, owner: worker, leaseMs };
        expect((await store.claim({ ...again, token: 'other' })).claimed).toEqual([]);
        const { claimed } = await store.claim({ ...again, token: 'next', unheardOf: ['unheard'] });
        expect(claimed.map(({ message }) => [message.attempt, message.leaseToken])).toEqual([
          [2, 'next'],
          [2, 'next'],
        ]);
        const { attempts } = await messageOf(ids[0] ?? '');
        expect(attempts.map(({ outcome }) => outcome)).toEqual(['lost', 'started']);
      });

      test('an outcome starts the count of unanswered claims anew', async () => {
        const id = await accepted();
        for (let claims = 0; claims < maxUnanswered - 1; claims += 1) await claimAndDie(id);
        const message = await claimOne(id);
        if (message === undefined) throw new Error('not claimed');
        await store.settle([settlement(message, retry())]);
        expect((await messageOf(id)).unanswered).toBe(0);
        expect(await claimOne(id)).toBeDefined();
      });
    });

    describe('leases', () => {
      test('a renewed lease keeps others away, another’s token renews nothing', async () => {
        const id = await accepted();
        const message = await claimAndDie(id);
        expect(await store.renewLeases({ leases: [{ id, token: 'not mine' }], leaseMs })).toEqual([]);
        const token = message.leaseToken ?? '';
        expect(await store.renewLeases({ leases: [{ id, token }], leaseMs })).toEqual([id]);
        expect(await claimOne(id)).toBeUndefined();
      });

      test('the leases of a dead owner can be ended at once, those of others stay', async () => {
        const ids = [await accepted(), await accepted()];
        await store.claim({ ids: ids.slice(0, 1), token: 'a', owner: 'dead', leaseMs });
        await store.claim({ ids: ids.slice(1), token: 'b', owner: 'alive', leaseMs });
        expect(await store.endLeasesOf('dead')).toBe(1);
        expect(await claimOne(ids[0] ?? '')).toBeDefined();
        expect(await claimOne(ids[1] ?? '')).toBeUndefined();
      });

      test('the leases of a dead owner end, also of what an old job claimed while it waited in SQL', async () => {
        const id = await accepted();
        await store.leaveWindow([id]);
        await store.claim({ ids: [id], token: 't1', owner: 'dead', leaseMs });
        expect(await store.endLeasesOf('dead')).toBe(1);
        expect(await claimOne(id)).toBeDefined();
      });

      test('what a dead owner had in hand gets a new job from the relay', async () => {
        const id = await accepted();
        await store.claim({ ids: [id], token: 't1', owner: 'dead', leaseMs });
        await store.endLeasesOf('dead');
        expect(await entering(10, 0)).toMatchObject([{ id, generation: 1 }]);
        expect(await statusOf(id)).toBe('sending');
      });
    });

    describe('settling', () => {
      test('when the tries run out, one that was in doubt leaves it as unknown, and without one it failed', async () => {
        const out: Verdict = { status: 'failed', reason: 'attempts_exhausted', countsFailure: true };
        const ends = ['ambiguous', 'transient'] as const;
        for (const outcome of ends) {
          const id = await accepted();
          await store.settle([settlement(await claimAndDie(id), retry(), outcome)]);
          const [settled] = await store.settle([settlement(await claimAndDie(id), out)]);
          const { status, reason } = await messageOf(id);
          expect(settled?.status).toBe(status);
          expect([status, reason]).toEqual(
            outcome === 'ambiguous' ? ['unknown', 'ambiguous'] : ['failed', 'attempts_exhausted'],
          );
        }
      });

      test('a success ends the message and its attempt', async () => {
        const id = await accepted();
        const message = await claimAndDie(id);
        expect(await store.settle([settlement(message, sent, 'sent')])).toEqual([{ status: 'sent' }]);
        const stored = await messageOf(id);
        expect(stored).toMatchObject({ status: 'sent', place: null, reason: null, leaseToken: null });
        expect(stored.endedAt).not.toBeNull();
        expect(stored.attempts).toMatchObject([{ outcome: 'sent', code: '451', response: 'later' }]);
      });

      test('what an attempt ends, ends at the instant the attempt did', async () => {
        for (let round = 0; round < 30; round += 1) {
          const id = await accepted();
          const message = await claimAndDie(id);
          await store.settle([settlement(message, round % 2 === 0 ? failed : sent)]);
          const stored = await messageOf(id);
          expect(stored.endedAt).toBe(stored.attempts[0]?.finishedAt);
        }
        const held = await accepted({ onAmbiguous: 'hold' });
        await claimAndDie(held);
        await store.endUnsendable([held]);
        const stored = await messageOf(held);
        expect(stored.endedAt).toBe(stored.attempts[0]?.finishedAt);
      });

      test('many outcomes go in one commit, each with its own result', async () => {
        const ids = await Promise.all([accepted(), accepted(), accepted()]);
        const { claimed } = await store.claim({ ids, token: 't', owner: worker, leaseMs });
        const byId = new Map(claimed.map(({ message }) => [message.id, message]));
        const verdicts = [sent, retry(), failed];
        const settlements = ids.map((id, index) => {
          const message = byId.get(id);
          const verdict = verdicts[index];
          if (message === undefined || verdict === undefined) throw new Error('missing');
          return settlement(message, verdict);
        });
        expect(await store.settle(settlements)).toEqual([
          { status: 'sent' },
          { status: 'retrying' },
          { status: 'failed' },
        ]);
      });

      test('a retry counts a failure and waits; a held one counts none', async () => {
        const id = await accepted();
        const first = await claimAndDie(id);
        await store.settle([settlement(first, { ...retry(), countsFailure: false } as Verdict)]);
        expect(await messageOf(id)).toMatchObject({ status: 'retrying', failures: 0, place: 'queue' });
        const second = await claimAndDie(id);
        await store.settle([settlement(second, retry(30_000))]);
        const stored = await messageOf(id);
        expect(stored).toMatchObject({ status: 'retrying', failures: 1 });
        expect(stored.dueAt).toBeGreaterThan(Date.now() + 20_000);
        expect(await claimOne(id)).toBeUndefined();
      });

      test('a long wait is parked in SQL under a new generation', async () => {
        const id = await accepted();
        const message = await claimAndDie(id);
        await store.settle([settlement(message, retry(600_000, true))]);
        expect(await messageOf(id)).toMatchObject({ place: 'store', generation: 1, status: 'retrying' });
      });

      test('a lost lease fences every outcome but a success; the attempt is recorded all the same', async () => {
        const id = await accepted();
        const first = await claimAndDie(id);
        const second = await claimOne(id);
        expect(await store.settle([settlement(first, failed)])).toEqual([{ status: 'fenced' }]);
        expect(await statusOf(id)).toBe('sending');
        expect((await messageOf(id)).attempts[0]).toMatchObject({ outcome: 'transient', reason: 'rejected' });
        if (second === undefined) throw new Error('not claimed');
        await store.settle([settlement(second, failed)]);
        expect(await store.settle([settlement(first, sent, 'sent')])).toEqual([{ status: 'sent' }]);
        expect(await messageOf(id)).toMatchObject({ status: 'sent', reason: null });
      });

      test('a success is never overwritten', async () => {
        const id = await accepted();
        const first = await claimAndDie(id);
        const second = await claimOne(id);
        await store.settle([settlement(first, sent, 'sent')]);
        if (second === undefined) throw new Error('not claimed');
        expect(await store.settle([settlement(second, failed)])).toEqual([{ status: 'fenced' }]);
        expect(await statusOf(id)).toBe('sent');
      });

      test('what would be retried ends when it was canceled meanwhile, or would be due too late', async () => {
        const one = item();
        await store.accept([one]);
        const canceled = one.messages[0]?.id ?? '';
        const inHand = await claimAndDie(canceled);
        await store.cancel(projectId, one.notification.id);
        expect(await store.settle([settlement(inHand, retry())])).toEqual([{ status: 'canceled' }]);
        const expiring = await accepted({ expiresAt: Date.now() + 60_000 });
        const message = await claimAndDie(expiring);
        expect(await store.settle([settlement(message, retry(120_000, true))])).toEqual([
          { status: 'expired' },
        ]);
        expect(await messageOf(expiring)).toMatchObject({ reason: 'expired', place: null });
      });
    });

    describe('canceling and expiring', () => {
      test('what waits is canceled at once, what is being sent is marked, what ended stays', async () => {
        const one = item({ messages: 3 });
        await store.accept([one]);
        const [waiting, sending, ended] = one.messages.map(({ id }) => id);
        await claimOne(sending ?? '');
        const last = await claimAndDie(ended ?? '');
        await store.settle([settlement(last, sent, 'sent')]);
        const after = await store.cancel(projectId, one.notification.id);
        expect(after.map(({ id, status }) => [id, status])).toEqual([
          [waiting, 'canceled'],
          [sending, 'sending'],
          [ended, 'sent'],
        ]);
      });

      test('another project can neither cancel nor see', async () => {
        const one = item();
        await store.accept([one]);
        expect(await store.cancel('prj_other', one.notification.id)).toEqual([]);
        expect(await store.getNotification('prj_other', one.notification.id)).toBeUndefined();
        expect(await store.getMessage('prj_other', one.messages[0]?.id ?? '')).toBeUndefined();
        expect(await statusOf(one.messages[0]?.id ?? '')).toBe('queued');
      });

      test('what is past its time is found and expired, wherever it waits', async () => {
        const expiresAt = Date.now() - 1000;
        const ids = [
          await accepted({ expiresAt }),
          await accepted({ expiresAt, place: 'store', status: 'scheduled' }),
        ];
        expect((await store.findExpired(10)).toSorted()).toEqual(ids.toSorted());
        await store.endUnsendable(ids);
        expect(await statusOf(ids[0] ?? '')).toBe('expired');
        expect(await statusOf(ids[1] ?? '')).toBe('expired');
        expect(await store.findExpired(10)).toEqual([]);
      });

      test('a message in the middle of a send is left alone', async () => {
        const id = await accepted();
        await claimOne(id);
        expect(await store.endUnsendable([id])).toEqual([]);
        expect(await statusOf(id)).toBe('sending');
      });
    });

    describe('the window', () => {
      test('messages enter oldest first, once, and only when due', async () => {
        const place = 'store' as const;
        const now = Date.now();
        const later = await accepted({ place, status: 'scheduled', dueAt: now + 60_000 });
        const second = await accepted({ place, dueAt: now - 1000 });
        const first = await accepted({ place, status: 'scheduled', dueAt: now - 2000 });
        expect((await entering(1, 1000)).map(({ id }) => id)).toEqual([first]);
        expect(await statusOf(first)).toBe('queued');
        expect((await entering(10, 1000)).map(({ id }) => id)).toEqual([second]);
        expect(await entering(10, 1000)).toEqual([]);
        expect(await statusOf(later)).toBe('scheduled');
      });

      test('the state of a lane says what is in the queue and whether more waits', async () => {
        await accepted();
        await accepted({ place: 'store' });
        await accepted({ lane: 'bulk' });
        const states = await store.laneStates({ lookaheadMs: 1000 });
        const of = (lane: string) => states.find((state) => state.channel === 'email' && state.lane === lane);
        expect(of('normal')).toMatchObject({
          inQueue: 1,
          projects: [{ projectId, inQueue: 1, backlog: true }],
        });
        expect(of('bulk')).toMatchObject({
          inQueue: 1,
          projects: [{ projectId, inQueue: 1, backlog: false }],
        });
        expect(of('critical')).toMatchObject({ inQueue: 0, projects: [] });
      });

      test('a backlog counts what waits or is being sent, scheduled messages included, and not what ended', async () => {
        expect(await store.hasBacklogOver(0)).toBe(false);
        const ids = [
          await accepted({ place: 'queue' }),
          await accepted({ place: 'store', status: 'scheduled', dueAt: Date.now() + 60_000 }),
        ];
        const claimed = await claimOne(ids[0] ?? '');
        expect([await store.hasBacklogOver(1), await store.hasBacklogOver(2)]).toEqual([true, false]);
        if (claimed) await store.settle([settlement(claimed, sent, 'sent')]);
        expect(await store.hasBacklogOver(1)).toBe(false);
      });

      test('what could not be added goes back to SQL; what was taken meanwhile does not', async () => {
        const ids = [await accepted(), await accepted()];
        await claimOne(ids[1] ?? '');
        await store.leaveWindow(ids);
        expect((await messageOf(ids[0] ?? '')).place).toBe('store');
        expect((await messageOf(ids[1] ?? '')).place).toBe('queue');
      });

      test('the walk finds what is overdue, page by page, and what a dead worker left', async () => {
        const dueAt = Date.now() - 60_000;
        const waiting = [await accepted({ dueAt }), await accepted({ dueAt }), await accepted({ dueAt })];
        const abandoned = await accepted({ dueAt });
        await claimOne(abandoned, { leaseMs: -60_000 });
        const inHand = await accepted({ dueAt });
        await claimOne(inHand);
        await accepted();
        const seen: string[] = [];
        let cursor: { dueAt: number; id: string } | undefined;
        for (;;) {
          const page = await store.overdue({ graceMs: 10_000, limit: 2, cursor });
          seen.push(...page.map(({ id }) => id));
          cursor = page.at(-1);
          if (page.length < 2) break;
        }
        expect(seen).toEqual([...waiting, abandoned]);
      });

      test('a new generation is given to messages that are still in the window only', async () => {
        const ids = [await accepted(), await accepted({ place: 'store' })];
        const renewed = await store.renewJobs(ids);
        expect(renewed).toMatchObject([{ id: ids[0], generation: 1, channel: 'email', lane: 'normal' }]);
      });

      test('a parked message waits in SQL under a new generation', async () => {
        const id = await accepted();
        await store.parkMessage(id);
        expect(await messageOf(id)).toMatchObject({ place: 'store', generation: 1 });
      });
    });

    describe('replaying and hastening', () => {
      const ofStatus = (status: MessageStatus, more: MessageOptions = {}) =>
        accepted({ status, place: null, ...more });

      test('every end but a delivery is taken back, and nothing that is open', async () => {
        const byStatus = new Map<MessageStatus, string>();
        for (const status of messageStatuses) byStatus.set(status, await ofStatus(status));
        const replayed = await store.replay([...byStatus.values(), 'msg_unknown']);
        const expected = replayableStatuses.map((status) => byStatus.get(status));
        expect(replayed.toSorted()).toEqual(expected.toSorted());
        for (const [status, id] of byStatus) {
          expect(await statusOf(id)).toBe(replayableStatuses.includes(status) ? 'queued' : status);
        }
        expect(await store.replay(replayed)).toEqual([]);
        expect(await store.replay([])).toEqual([]);
      });

      test('it starts afresh under a new generation, with its first claim still on record', async () => {
        const id = await accepted();
        const first = await claimAndDie(id);
        await store.settle([settlement(first, retry())]);
        const second = await claimAndDie(id);
        await store.settle([settlement(second, failed)]);
        const ended = await messageOf(id);
        expect(ended).toMatchObject({ status: 'failed', failures: 2 });
        expect(await store.replay([id])).toEqual([id]);
        const again = await messageOf(id);
        expect(again).toMatchObject({
          status: 'queued',
          reason: null,
          place: 'store',
          generation: 1,
          failures: 0,
          unanswered: 0,
          attempt: 2,
          endedAt: null,
          leaseToken: null,
          expiresAt: ended.expiresAt,
          firstClaimedAt: first.firstClaimedAt,
        });
        expect(again.dueAt).toBeGreaterThanOrEqual(ended.endedAt ?? Number.POSITIVE_INFINITY);
        expect(await entering(10, 0)).toMatchObject([{ id, generation: 1 }]);
        expect(await claimOne(id)).toMatchObject({ attempt: 3, unanswered: 1 });
      });

      test('what a replay took back stays on record, each time', async () => {
        const id = await ofStatus('canceled', { reason: 'canceled_by_request' });
        const { endedAt } = await messageOf(id);
        await store.replay([id]);
        const message = await claimOne(id);
        if (message === undefined) throw new Error('not claimed');
        await store.settle([settlement(message, failed)]);
        await store.replay([id]);
        const found = await store.getMessage(projectId, id);
        expect(found?.replays).toMatchObject([
          { generation: 1, status: 'canceled', reason: 'canceled_by_request', endedAt },
          { generation: 2, status: 'failed', reason: 'rejected' },
        ]);
        expect(found?.replays[1]?.at).toBe(found?.message.dueAt);
      });

      test('what had expired gets the lifetime it was given first, however often', async () => {
        const one = item({ message: { status: 'expired', place: null, expiresAt: Date.now() - 90_000 } });
        one.notification.expiresAt = Date.now() + 30_000;
        await store.accept([one]);
        const id = one.messages[0]?.id ?? '';
        for (let round = 0; round < 2; round += 1) {
          expect(await store.replay([id])).toEqual([id]);
          const { dueAt, expiresAt } = await messageOf(id);
          expect(expiresAt - dueAt).toBeGreaterThan(20_000);
          expect(expiresAt - dueAt).toBeLessThanOrEqual(30_000);
          const message = await claimOne(id);
          if (message === undefined) throw new Error('not claimed');
          await store.settle([settlement(message, failed)]);
        }
      });

      test('the lifetime of what was scheduled begins with its time, not with its acceptance', async () => {
        const one = item({ message: { status: 'expired', place: null, expiresAt: Date.now() - 90_000 } });
        one.notification.sendAt = Date.now() + 3_600_000;
        one.notification.expiresAt = one.notification.sendAt + 5000;
        await store.accept([one]);
        const id = one.messages[0]?.id ?? '';
        await store.replay([id]);
        const { dueAt, expiresAt } = await messageOf(id);
        expect(expiresAt - dueAt).toBe(5000);
      });

      test('a message that was canceled and is replayed is sent: the request to cancel is over', async () => {
        const one = item();
        await store.accept([one]);
        await store.cancel(projectId, one.notification.id);
        const id = one.messages[0]?.id ?? '';
        await store.replay([id]);
        expect(await claimOne(id)).toMatchObject({ status: 'sending', cancelRequestedAt: null });
      });

      test('a message without an address is never replayed: there is nowhere to send it', async () => {
        const id = await ofStatus('skipped', { address: null, reason: 'no_address' });
        expect(await store.replay([id])).toEqual([]);
        expect(await messageOf(id)).toMatchObject({ status: 'skipped', generation: 0 });
      });

      test('of two replays at once one wins', async () => {
        const id = await ofStatus('failed');
        const both = await Promise.all([store.replay([id]), store.replay([id])]);
        expect(both.flat()).toEqual([id]);
        expect((await messageOf(id)).generation).toBe(1);
      });

      test('an outcome of before the replay changes nothing, unless it was a success', async () => {
        const id = await accepted();
        const first = await claimAndDie(id);
        const second = await claimOne(id);
        if (second === undefined) throw new Error('not claimed');
        await store.settle([settlement(second, failed)]);
        await store.replay([id]);
        expect(await store.settle([settlement(first, failed)])).toEqual([{ status: 'fenced' }]);
        expect(await statusOf(id)).toBe('queued');
        expect(await store.settle([settlement(first, sent, 'sent')])).toEqual([{ status: 'sent' }]);
        expect(await messageOf(id)).toMatchObject({ status: 'sent', place: null });
      });

      test('what waits in the window for a later time becomes due now, and nothing else', async () => {
        const dueAt = Date.now() + 60_000;
        const waiting = await accepted({ dueAt });
        const others = [
          await accepted({ dueAt, place: 'store', status: 'scheduled' }),
          await accepted({ dueAt, place: 'store' }),
          await ofStatus('failed', { dueAt }),
          await accepted(),
        ];
        expect(await store.hasten([waiting, ...others])).toEqual([waiting]);
        expect(await claimOne(waiting)).toBeDefined();
        expect((await messageOf(others[0] ?? '')).dueAt).toBe(dueAt);
      });
    });

    test('every move of a message that the store made is one the state table allows', async () => {
      const id = await accepted({ place: 'store', status: 'scheduled' });
      const seen: MessageStatus[] = [await statusOf(id)];
      const note = async () => seen.push(await statusOf(id));
      await entering(1, 0);
      await note();
      const first = await claimAndDie(id);
      await note();
      await store.settle([settlement(first, retry())]);
      await note();
      const second = await claimAndDie(id);
      await note();
      await store.settle([settlement(second, failed)]);
      await note();
      await store.replay([id]);
      await note();
      await store.settle([settlement(first, sent, 'sent')]);
      await note();
      expect(seen).toEqual([
        'scheduled',
        'queued',
        'sending',
        'retrying',
        'sending',
        'failed',
        'queued',
        'sent',
      ]);
      seen.slice(1).forEach((status, index) => {
        expect(canMove(seen[index] ?? 'queued', status), `${seen[index]} → ${status}`).toBe(true);
      });
    });

    describe('recipients and devices', () => {
      const actor = { kind: 'system', id: '', address: '', requestId: '' } as const;
      const trail = () => ({ actor, auditId: `aud_${randomUUID()}` });
      async function upsert(project: string, { id, ...input }: UpsertRecipientInput & { id: string }) {
        const change = { ...trail(), action: 'recipients.upsert', projectId: project, id, input };
        const [stored] = await store.upsertRecipients([change]);
        return stored;
      }

      test('an upsert changes only what it is given', async () => {
        const first = await upsert(projectId, {
          id: 'rcp_1',
          externalId: 'ada',
          name: 'Ada',
          email: 'ada@example.com',
        });
        const second = await upsert(projectId, { id: 'rcp_2', externalId: 'ada', email: null, locale: 'fr' });
        expect(second).toMatchObject({ id: 'rcp_1', name: 'Ada', email: null, locale: 'fr' });
        expect(first?.createdAt).toBe(second?.createdAt);
        expect(await store.findRecipient(projectId, 'rcp_1')).toEqual({ recipient: second, devices: [] });
        expect(await store.findRecipient('prj_other', 'ada')).toBeUndefined();
      });

      test('a device belongs to the last recipient that registered it', async () => {
        for (const name of ['ada', 'bob']) {
          await upsert(projectId, { id: `rcp_${name}`, externalId: name });
          const device = {
            id: `dev_${name}`,
            recipientId: `rcp_${name}`,
            platform: 'fcm',
            token: 't',
            keys: null,
          } as const;
          await store.registerDevice(projectId, device, trail());
        }
        expect((await store.findRecipient(projectId, 'ada'))?.devices).toEqual([]);
        expect((await store.findRecipient(projectId, 'bob'))?.devices).toMatchObject([{ id: 'dev_ada' }]);
      });

      describe('a push that bounces', () => {
        const bounced: Verdict = { status: 'bounced', reason: 'invalid_address', countsFailure: true };
        const push = { channel: 'push', platform: 'fcm', address: 'gone' } as const;

        async function register(token: string, project = projectId) {
          const recipientId = `rcp_${project}`;
          await upsert(project, { id: recipientId, externalId: 'ada' });
          const id = `dev_${project}_${token}`;
          const device = { id, recipientId, platform: 'fcm', token, keys: null } as const;
          return store.registerDevice(project, device, trail());
        }

        async function deactivated(project = projectId): Promise<string[]> {
          const found = await store.findRecipient(project, 'ada');
          return (found?.devices ?? []).filter((one) => one.deactivatedAt !== null).map(({ token }) => token);
        }

        test('deactivates its device, at the instant it ended, and no other', async () => {
          const other = await store.ensureProject({ id: 'prj_2', key: 'other' });
          await register('gone');
          await register('alive');
          await register('gone', other);
          const id = await accepted(push);
          await store.settle([settlement(await claimAndDie(id), bounced, 'bounced')]);
          expect(await deactivated()).toEqual(['gone']);
          expect(await deactivated(other)).toEqual([]);
          const devices = (await store.findRecipient(projectId, 'ada'))?.devices;
          const { endedAt } = await messageOf(id);
          expect(devices?.find(({ token }) => token === 'gone')?.deactivatedAt).toBe(endedAt);
        });

        test('deactivates nothing when its lease was lost, nor does any other end', async () => {
          await register('gone');
          const id = await accepted(push);
          const late = await claimAndDie(id);
          const again = await claimOne(id);
          if (again === undefined) throw new Error('not claimed');
          expect(await store.settle([settlement(late, bounced, 'bounced')])).toEqual([{ status: 'fenced' }]);
          await store.settle([settlement(again, failed, 'rejected')]);
          expect(await deactivated()).toEqual([]);
        });

        test('leaves a device alone that is nobody’s, and an e-mail’s bounce leaves all alone', async () => {
          await register('gone');
          const unknown = await accepted({ ...push, address: 'never registered' });
          const email = await accepted({ address: 'gone' });
          for (const id of [unknown, email]) {
            const settled = await store.settle([settlement(await claimAndDie(id), bounced, 'bounced')]);
            expect(settled).toEqual([{ status: 'bounced' }]);
          }
          expect(await deactivated()).toEqual([]);
        });

        test('a device that is registered again is live again', async () => {
          await register('gone');
          await store.settle([settlement(await claimAndDie(await accepted(push)), bounced, 'bounced')]);
          expect(await deactivated()).toEqual(['gone']);
          expect(await register('gone')).toMatchObject({ deactivatedAt: null });
          expect(await deactivated()).toEqual([]);
        });
      });
    });

    test('a sequence only rises', async () => {
      expect(await store.readSequence('queue')).toBe(0);
      await store.raiseSequence('queue', 5);
      await store.raiseSequence('queue', 3);
      expect(await store.readSequence('queue')).toBe(5);
    });

    test('lists are filtered by the derived status', async () => {
      const statuses = {
        accepted: ['queued', 'queued'],
        partial: ['queued', 'sent'],
        completed: ['sent', 'delivered'],
        ended: ['sent', 'failed'],
      } as const;
      const ids: Record<string, string> = {};
      for (const [name, both] of Object.entries(statuses)) {
        const one = item({ messages: 2 });
        one.messages.forEach((message, index) => {
          message.status = both[index] ?? 'queued';
          message.place = message.status === 'queued' ? 'queue' : null;
        });
        await store.accept([one]);
        ids[name] = one.notification.id;
      }
      for (const name of Object.keys(statuses) as Array<keyof typeof statuses>) {
        const found = await store.listNotifications(projectId, { status: name, limit: 10 });
        expect(found.map(({ notification }) => notification.id)).toEqual([ids[name]]);
      }
    });
  });
}
