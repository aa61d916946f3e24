import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acceptItem } from './accept-item.fixture.ts';
import {
  createStore,
  type Database,
  type Decide,
  type MessageRow,
  maxUnanswered,
  type Settlement,
  type Store,
  type Verdict,
} from './index.ts';
import { suppressing } from './suppressing.fixture.ts';

const actor = { kind: 'system', id: '', address: '', requestId: '' } as const;
const worker = 'worker-1';

/** How a message may have been delivered without anybody knowing, and what it ends as then. */
const doubts = ['ambiguous', 'lost', 'both'] as const;
type Doubt = (typeof doubts)[number];
const reasonOf = (doubt: Doubt) => (doubt === 'lost' ? 'worker_lost' : 'ambiguous');

/**
 * That what may have been delivered is never said not to have been, on every dialect. `open` gives an empty database
 * with the schema in place.
 */
export function doubtContract(dialect: string, open: () => Promise<Database>): void {
  describe(`doubt on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    let projectId: string;

    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      projectId = await store.ensureProject({ id: 'prj_1', key: 'default' });
      const change = { projectId, actor, action: 'recipients.upsert', auditId: 'aud_ada' };
      await store.upsertRecipients([{ ...change, id: 'rcp_ada', input: { externalId: 'ada' } }]);
    });
    afterEach(() => database.close());

    async function accepted(): Promise<string> {
      const one = acceptItem({
        projectId,
        notification: { recipientId: 'rcp_ada' },
        message: { address: 'ada@example.com' },
      });
      await store.accept([one]);
      return one.messages[0]?.id ?? '';
    }

    /** With a lease that has run out by the time the promise resolves. */
    const claim = (id: string, decide?: Decide) =>
      store.claim({ ids: [id], token: randomUUID(), owner: worker, leaseMs: -1000, decide });

    async function claimed(id: string): Promise<MessageRow> {
      const [one] = (await claim(id)).claimed;
      if (one === undefined) throw new Error(`${id} could not be claimed`);
      return one.message;
    }

    async function settle(
      { id, leaseToken, attempt, generation }: MessageRow,
      outcome: Settlement['outcome'],
      verdict: Verdict,
    ) {
      const [settled] = await store.settle([
        {
          messageId: id,
          token: leaseToken ?? '',
          attempt,
          generation,
          worker,
          outcome,
          reason: null,
          provider: 'test',
          code: null,
          response: null,
          verdict,
        },
      ]);
      return settled?.status;
    }

    const retry = (delayMs = 0): Verdict => ({
      status: 'retrying',
      reason: 'provider_transient',
      countsFailure: true,
      delayMs,
      park: false,
    });
    const waits: Decide = ({ now }) => ({ kind: 'wait', until: now, reason: 'provider_unavailable' });

    /** Leaves a message waiting, in doubt as it is said. */
    async function fallIntoDoubt(id: string, doubt: Doubt): Promise<void> {
      if (doubt !== 'lost') await settle(await claimed(id), 'ambiguous', retry());
      // A worker has it in hand and dies, another takes it over and finds no provider that is well.
      if (doubt !== 'ambiguous') await claimed(id);
      await claim(id, waits);
    }

    async function fateOf(id: string): Promise<string> {
      const { status, reason, place, endedAt } = await messageOf(id);
      expect([place, endedAt === null]).toEqual([null, false]);
      return `${status}: ${reason}`;
    }
    async function messageOf(id: string) {
      const found = await store.getMessage(projectId, id);
      if (found === undefined) throw new Error(`no message ${id}`);
      return { ...found.message, attempts: found.attempts };
    }

    const cancel = (id: string) => store.cancel(projectId, id.replace('msg', 'ntf').slice(0, -1));
    const erase = async () => {
      await store.beginErasure(projectId, 'ada', { actor, auditId: 'aud_gone', ...suppressing });
      while (await store.continueErasure('rcp_ada'));
    };
    async function settleNext(id: string, outcome: Settlement['outcome'], verdict: Verdict) {
      const status = await settle(await claimed(id), outcome, verdict);
      expect(status).toBe((await messageOf(id)).status);
    }
    async function retryAfter(id: string, meanwhile: () => Promise<unknown>, delayMs = 0) {
      const message = await claimed(id);
      await meanwhile();
      expect(await settle(message, 'transient', retry(delayMs))).toBe((await messageOf(id)).status);
    }
    const decided = (decision: ReturnType<Decide>) => (id: string) => claim(id, () => decision);

    /** Every way to an end that is no delivery, from where it waits; what the end is without a doubt. */
    const ends: Array<[how: string, end: (id: string) => Promise<unknown>, otherwise: string]> = [
      ['is canceled while it waits', cancel, 'canceled: canceled_by_request'],
      [
        'is past its time while it waits',
        async (id) => {
          const { messages } = database.tables;
          await database.handle.update(messages).set({ expiresAt: 0 }).where(eq(messages.id, id)).returning();
          expect(await store.endUnsendable([id])).toEqual([id]);
        },
        'expired: expired',
      ],
      ['is erased while it waits', erase, 'skipped: erased'],
      ['is opted out of', decided({ kind: 'skip' }), 'skipped: opted_out'],
      [
        'goes to an address that complained',
        decided({ kind: 'suppress', reason: 'complaint' }),
        'suppressed: complaint',
      ],
      [
        'would wait too long for a provider',
        decided({ kind: 'wait', until: Number.MAX_SAFE_INTEGER, reason: 'provider_unavailable' }),
        'expired: expired',
      ],
      [
        'would wait too long in quiet hours',
        decided({ kind: 'wait', until: Number.MAX_SAFE_INTEGER, reason: 'quiet_hours' }),
        'expired: quiet_hours',
      ],
      [
        'is rejected',
        (id) => settleNext(id, 'rejected', { status: 'failed', reason: 'rejected', countsFailure: true }),
        'failed: rejected',
      ],
      [
        'has no tries left',
        (id) =>
          settleNext(id, 'transient', {
            status: 'failed',
            reason: 'attempts_exhausted',
            countsFailure: true,
          }),
        'failed: attempts_exhausted',
      ],
      [
        'has no provider',
        (id) =>
          settleNext(id, 'rejected', { status: 'skipped', reason: 'no_provider', countsFailure: false }),
        'skipped: no_provider',
      ],
      [
        'would be retried and was canceled meanwhile',
        (id) => retryAfter(id, () => cancel(id)),
        'canceled: canceled_by_request',
      ],
      ['would be retried and was erased meanwhile', (id) => retryAfter(id, erase), 'skipped: erased'],
      ['would be retried too late', (id) => retryAfter(id, async () => {}, 86_400_000), 'expired: expired'],
    ];

    describe.each(ends)('what %s', (_, end, otherwise) => {
      test.each(doubts)('and is in doubt (%s) is unknown', async (doubt) => {
        const id = await accepted();
        await fallIntoDoubt(id, doubt);
        await end(id);
        expect(await fateOf(id)).toBe(`unknown: ${reasonOf(doubt)}`);
      });

      test('and is not in doubt says so, also after tries that failed for sure', async () => {
        const id = await accepted();
        await settle(await claimed(id), 'transient', retry());
        await settle(await claimed(id), 'held', retry());
        await end(id);
        expect(await fateOf(id)).toBe(otherwise);
      });
    });

    test('the end of one life says nothing of a doubt in the one before', async () => {
      const id = await accepted();
      await fallIntoDoubt(id, 'both');
      await cancel(id);
      expect(await store.replay([id])).toEqual([id]);
      await cancel(id);
      expect(await fateOf(id)).toBe('canceled: canceled_by_request');
    });

    test('an attempt that ends in doubt itself and would be retried is unknown when it cannot be', async () => {
      const id = await accepted();
      const message = await claimed(id);
      await cancel(id);
      expect(await settle(message, 'ambiguous', retry())).toBe('unknown');
      expect(await fateOf(id)).toBe('unknown: ambiguous');
    });

    test('a bounce is more than a doubt: so is an address that is known to bounce', async () => {
      const [bounced, suppressed] = [await accepted(), await accepted()];
      for (const id of [bounced, suppressed]) await fallIntoDoubt(id, 'both');
      await settleNext(bounced, 'bounced', {
        status: 'bounced',
        reason: 'invalid_address',
        countsFailure: true,
      });
      await claim(suppressed, () => ({ kind: 'suppress', reason: 'hard_bounce' }));
      expect(await fateOf(bounced)).toBe('bounced: invalid_address');
      expect(await fateOf(suppressed)).toBe('suppressed: hard_bounce');
    });

    test('an attempt that was given up and is settled after all says whether there is a doubt', async () => {
      for (const [outcome, fate] of [
        ['transient', 'canceled: canceled_by_request'],
        ['ambiguous', 'unknown: ambiguous'],
      ] as const) {
        const id = await accepted();
        const slow = await claimed(id);
        await claim(id, waits);
        expect(await settle(slow, outcome, retry())).toBe('fenced');
        await cancel(id);
        expect(await fateOf(id)).toBe(fate);
      }
    });

    test('a success wins over it, however late', async () => {
      const id = await accepted();
      const slow = await claimed(id);
      await claim(id, () => ({ kind: 'skip' }));
      expect(await fateOf(id)).toBe('unknown: worker_lost');
      expect(await settle(slow, 'sent', { status: 'sent' })).toBe('sent');
    });

    test('it takes none of the claims that a message may lose', async () => {
      const id = await accepted();
      await settle(await claimed(id), 'ambiguous', retry());
      for (let claims = 0; claims < maxUnanswered; claims += 1) await claimed(id);
      expect((await claim(id)).claimed).toEqual([]);
      await store.endUnsendable([id]);
      expect(await fateOf(id)).toBe('unknown: ambiguous');
    });
  });
}
