import { canMove, type Lane, type Platform, type SendOutput } from '@tidings/contracts';
import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Database, Decide, Question, Store } from './index.ts';
import { createStore } from './index.ts';
import { suppressing } from './suppressing.fixture.ts';

const leaseMs = 60_000;

/** What a claim does with the messages that must not go out now, on every dialect. */
export function claimDecisionsContract(dialect: string, open: () => Promise<Database>): void {
  describe(`deciding in the claim on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    let projectId: string;
    let statements = 0;
    let made = 0;

    beforeEach(async () => {
      const real = await open();
      database = {
        ...real,
        commit: (steps) =>
          real.commit(function* (db) {
            const running = steps(db);
            let step = running.next();
            while (!step.done) {
              statements += 1;
              step = running.next(yield step.value);
            }
            return step.value;
          }),
      };
      store = createStore(database);
      projectId = await store.ensureProject({ id: 'prj_1', key: 'default' });
      const actor = { kind: 'system' as const, id: '', address: '', requestId: '' };
      const change = { projectId, actor, action: 'recipients.upsert', auditId: 'aud_ada' };
      const input = { externalId: 'ada', timezone: 'Europe/Paris' };
      await store.upsertRecipients([{ ...change, id: 'rcp_ada', input }]);
    });
    afterEach(() => database.close());

    async function accepted(
      options: {
        recipientId?: string;
        category?: string;
        lane?: Lane;
        onAmbiguous?: 'hold';
        /** Of a device: it is a push then. */
        token?: string;
        platform?: Platform;
      } = {},
    ): Promise<string> {
      made += 1;
      const id = `ntf_${String(made).padStart(6, '0')}`;
      const { recipientId = null, category = null, lane = 'normal', onAmbiguous = 'resend', token } = options;
      const { platform = 'fcm' } = options;
      const to =
        token === undefined
          ? { channel: 'email' as const, address: 'ada@example.com' }
          : { channel: 'push' as const, platform, address: token };
      const expiresAt = Date.now() + 3_600_000;
      const answer: SendOutput = { id, status: 'accepted', messages: [] };
      const messageId = id.replace('ntf', 'msg');
      await store.accept([
        {
          notification: {
            id,
            projectId,
            recipientId,
            category,
            data: {},
            metadata: {},
            lane,
            expiresAt,
            answer,
          },
          messages: [
            {
              id: messageId,
              notificationId: id,
              projectId,
              ...to,
              lane,
              status: 'queued',
              onAmbiguous,
              place: 'queue',
              expiresAt,
            },
          ],
        },
      ]);
      return messageId;
    }

    const send: Decide = () => ({ kind: 'send' });
    const skip: Decide = () => ({ kind: 'skip' });
    const wait: Decide = ({ now }) => ({ kind: 'wait', reason: 'quiet_hours', until: now + 60_000 });
    let claims = 0;
    const claim = (ids: string[], decide?: Decide, ms = leaseMs) => {
      claims += 1;
      return store.claim({ ids, token: `token-${claims}`, owner: 'worker', leaseMs: ms, decide });
    };
    /** Has the project's normal e-mails enter the window. */
    const entering = async (lookaheadMs: number) => {
      const lane = { channel: 'email', lane: 'normal', lookaheadMs } as const;
      return (await store.enterWindow({ ...lane, rooms: [{ projectId, limit: 9 }] })).flat();
    };
    const messageOf = async (id: string) => {
      const found = await store.getMessage(projectId, id);
      if (found === undefined) throw new Error(`no message ${id}`);
      return found;
    };

    test('what is skipped ends with its reason, no attempt is on record, and its counters are as before', async () => {
      const id = await accepted();
      const { claimed, aside } = await claim([id], skip);
      expect(claimed).toEqual([]);
      const { message, attempts } = await messageOf(id);
      expect(aside).toEqual([{ message, now: message.endedAt }]);
      expect(attempts).toEqual([]);
      expect(message).toMatchObject({
        status: 'skipped',
        reason: 'opted_out',
        place: null,
        attempt: 0,
        unanswered: 0,
        leaseToken: null,
        leaseUntil: null,
        firstClaimedAt: null,
      });
    });

    test('what waits is in SQL under a new generation, due at the end, and is sent from there', async () => {
      const id = await accepted();
      const { aside } = await claim([id], wait);
      const { message, attempts } = await messageOf(id);
      expect(message).toMatchObject({
        status: 'scheduled',
        reason: 'quiet_hours',
        place: 'store',
        generation: 1,
        attempt: 0,
        firstClaimedAt: null,
      });
      expect(message.dueAt).toBe((message.deferredAt ?? 0) + 60_000);
      expect(aside).toEqual([{ message, now: message.deferredAt }]);
      expect(attempts).toEqual([]);
      expect(await entering(0)).toEqual([]);
      expect(await entering(60_000)).toMatchObject([{ id, generation: 1 }]);
      await store.hasten([id]);
      const { claimed } = await claim([id], send);
      expect(claimed.map(({ message: one }) => [one.id, one.attempt])).toEqual([[id, 1]]);
    });

    test('what was tried before keeps its attempts, its failures and the date of its copies', async () => {
      const id = await accepted();
      const first = (await claim([id], send)).claimed[0]?.message;
      await store.settle([
        {
          messageId: id,
          token: first?.leaseToken ?? '',
          attempt: 1,
          generation: 0,
          worker: 'worker',
          outcome: 'transient',
          reason: 'provider_transient',
          provider: 'test',
          code: null,
          response: null,
          verdict: {
            status: 'retrying',
            reason: 'provider_transient',
            countsFailure: true,
            delayMs: 0,
            park: false,
          },
        },
      ]);
      await claim([id], wait);
      expect((await messageOf(id)).message).toMatchObject({
        attempt: 1,
        failures: 1,
        unanswered: 0,
        firstClaimedAt: first?.firstClaimedAt,
      });
      await entering(60_000);
      await store.hasten([id]);
      expect((await claim([id], send)).claimed[0]?.message.attempt).toBe(2);
      expect((await messageOf(id)).attempts.map(({ number }) => number)).toEqual([1, 2]);
    });

    test('what waits for a provider waits in SQL, costs no attempt, and expires when its time comes first', async () => {
      for (const reason of ['provider_unavailable', 'rate_limited'] as const) {
        const id = await accepted();
        const asked: Question[] = [];
        const { claimed, aside } = await claim([id], (question) => {
          asked.push(question);
          return { kind: 'wait', reason, until: question.now + 60_000 };
        });
        expect([claimed, aside.map(({ message }) => message.id)]).toEqual([[], [id]]);
        expect(asked).toEqual([expect.objectContaining({ platform: null, failures: 0 })]);
        const { message, attempts } = await messageOf(id);
        const waiting = {
          status: 'retrying',
          reason,
          place: 'store',
          generation: 1,
          attempt: 0,
          failures: 0,
        };
        expect(message).toMatchObject({ ...waiting, unanswered: 0, deferredAt: null, firstClaimedAt: null });
        expect([message.dueAt, attempts]).toEqual([(asked[0]?.now ?? 0) + 60_000, []]);
        const late = await accepted();
        const { expiresAt } = (await messageOf(late)).message;
        await claim([late], () => ({ kind: 'wait', reason, until: expiresAt }));
        expect((await messageOf(late)).message).toMatchObject({
          status: 'expired',
          reason: 'expired',
          place: null,
        });
      }
    });

    test('what would wait beyond its time expires at once, and says that it was the quiet hours', async () => {
      const id = await accepted();
      const { expiresAt } = (await messageOf(id)).message;
      await claim([id], () => ({ kind: 'wait', reason: 'quiet_hours', until: expiresAt }));
      const { message, attempts } = await messageOf(id);
      expect(message).toMatchObject({
        status: 'expired',
        reason: 'quiet_hours',
        place: null,
        dueAt: message.dueAt,
      });
      expect(attempts).toEqual([]);
    });

    test('what a dead worker may have sent is not called skipped: it ends as unknown; waiting it may', async () => {
      const [skipped, waiting] = [await accepted(), await accepted()];
      await claim([skipped, waiting], send, -1000);
      await claim([skipped], skip);
      await claim([waiting], wait);
      const left = await messageOf(skipped);
      expect(left.message).toMatchObject({ status: 'unknown', reason: 'worker_lost', attempt: 1 });
      expect(left.attempts).toMatchObject([{ outcome: 'lost', finishedAt: left.message.endedAt }]);
      expect((await messageOf(waiting)).message).toMatchObject({
        status: 'scheduled',
        attempt: 1,
        unanswered: 1,
      });
    });

    test('what waits after that ends as unknown too when it is canceled, expires or is erased', async () => {
      const waiting = [];
      for (let index = 0; index < 3; index += 1) waiting.push(await accepted({ recipientId: 'rcp_ada' }));
      const [canceled = '', expired = '', erased = ''] = waiting;
      await claim(waiting, send, -1000);
      await claim(waiting, wait);
      await store.cancel(projectId, canceled.replace('msg', 'ntf'));
      const { messages } = database.tables;
      await database.handle
        .update(messages)
        .set({ expiresAt: 0 })
        .where(eq(messages.id, expired))
        .returning();
      expect(await store.endUnsendable([expired])).toEqual([expired]);
      const actor = { kind: 'system' as const, id: '', address: '', requestId: '' };
      await store.beginErasure(projectId, 'ada', { actor, auditId: 'aud_gone', ...suppressing });
      while (await store.continueErasure('rcp_ada'));
      for (const id of [canceled, expired, erased]) {
        expect((await messageOf(id)).message).toMatchObject({ status: 'unknown', reason: 'worker_lost' });
      }
    });

    test('so does what waits for a provider, and the table of moves says so', async () => {
      const id = await accepted();
      await claim([id], send, -1000);
      await claim([id], () => ({ kind: 'wait', reason: 'provider_unavailable', until: Date.now() + 1000 }));
      const before = (await messageOf(id)).message.status;
      await store.cancel(projectId, id.replace('msg', 'ntf'));
      const after = (await messageOf(id)).message.status;
      expect([before, after]).toEqual(['retrying', 'unknown']);
      expect(canMove(before, after)).toBe(true);
    });

    test('nothing goes to who was erased, whatever the decision would be, also what was accepted meanwhile', async () => {
      const before = await accepted({ recipientId: 'rcp_ada' });
      const actor = { kind: 'system' as const, id: '', address: '', requestId: '' };
      await store.beginErasure(projectId, 'ada', { actor, auditId: 'aud_gone', ...suppressing });
      const meanwhile = await accepted({ recipientId: 'rcp_ada' });
      const { claimed } = await claim([before, meanwhile], send);
      expect(claimed).toEqual([]);
      for (const id of [before, meanwhile]) {
        const { message, attempts } = await messageOf(id);
        expect(message).toMatchObject({ status: 'skipped', reason: 'erased', attempt: 0 });
        expect(attempts).toEqual([]);
      }
    });

    test("a push goes to no device that is somebody else's by now, was removed, or is gone", async () => {
      const actor = { kind: 'system' as const, id: '', address: '', requestId: '' };
      const trail = () => ({ actor, auditId: `aud_${made}-${Math.random()}` });
      const change = { projectId, actor, action: 'recipients.upsert', auditId: 'aud_bob' };
      await store.upsertRecipients([{ ...change, id: 'rcp_bob', input: { externalId: 'bob' } }]);
      const register = (recipientId: string, token: string) =>
        store.registerDevice(
          projectId,
          { id: `dev_${token}`, recipientId, platform: 'fcm', token, keys: null },
          trail(),
        );
      const tokens = ['kept', 'handed-on', 'removed', 'gone'];
      const ids: string[] = [];
      for (const token of tokens) {
        await register('rcp_ada', token);
        ids.push(await accepted({ recipientId: 'rcp_ada', token }));
      }
      const toBareDevice = await accepted({ token: 'removed' });
      await register('rcp_bob', 'handed-on');
      await store.removeDevice(projectId, { id: 'dev_removed', recipientId: 'rcp_ada' }, trail());
      const { devices } = database.tables;
      await database.handle
        .update(devices)
        .set({ deactivatedAt: 1 })
        .where(eq(devices.id, 'dev_gone'))
        .returning();
      const { claimed } = await claim([...ids, toBareDevice], send);
      expect(claimed.map(({ message }) => message.id).sort()).toEqual([ids[0], toBareDevice]);
      for (const id of ids.slice(1)) {
        expect((await messageOf(id)).message).toMatchObject({ status: 'skipped', reason: 'no_device' });
      }
    });

    test('a push to a Web Push subscription comes with the keys that it has now', async () => {
      const actor = { kind: 'system' as const, id: '', address: '', requestId: '' };
      const register = (platform: Platform, token: string, auth?: string) =>
        store.registerDevice(
          projectId,
          { id: `dev_${made}_${token}_${auth}`, recipientId: 'rcp_ada', platform, token, keys: keysOf(auth) },
          { actor, auditId: `aud_${made}_${token}_${auth}` },
        );
      const keysOf = (auth?: string) => (auth === undefined ? null : { p256dh: 'B', auth });
      await register('webpush', 'https://push.example/1', 'old');
      await register('webpush', 'https://push.example/2', 'another');
      await register('fcm', 'phone');
      const ids = [
        await accepted({ recipientId: 'rcp_ada', platform: 'webpush', token: 'https://push.example/1' }),
        await accepted({ recipientId: 'rcp_ada', platform: 'webpush', token: 'https://push.example/2' }),
        await accepted({ recipientId: 'rcp_ada', token: 'phone' }),
        await accepted({ recipientId: 'rcp_ada' }),
      ];
      await register('webpush', 'https://push.example/1', 'new');
      const { claimed } = await claim(ids, send);
      const keys = new Map(claimed.map((one) => [one.message.id, one.keys]));
      expect(ids.map((id) => keys.get(id))).toEqual([keysOf('new'), keysOf('another'), null, null]);
    });

    test('the decision about one does not touch the others, and it is asked for each with all it needs', async () => {
      const [bare, ofAda, critical] = [
        await accepted({ category: 'news' }),
        await accepted({ recipientId: 'rcp_ada', category: 'news' }),
        await accepted({ recipientId: 'rcp_ada', lane: 'critical' }),
      ];
      const asked: Question[] = [];
      const { claimed, aside } = await claim([bare, ofAda, critical], (question) => {
        asked.push(question);
        return question.category === 'news' && question.wishes ? { kind: 'skip' } : { kind: 'send' };
      });
      expect(claimed.map(({ message }) => message.id).sort()).toEqual([bare, critical].sort());
      expect(aside.map(({ message }) => message.id)).toEqual([ofAda]);
      const ada = { words: [], quietHours: null, timezone: 'Europe/Paris' };
      const common = { projectId, channel: 'email' };
      const byCase = new Map(asked.map((one) => [`${one.category} ${one.isCritical}`, one]));
      expect(asked).toHaveLength(3);
      expect(byCase.get('null true')).toMatchObject({ ...common, wishes: ada });
      expect(asked.filter(({ category }) => category === 'news').map(({ wishes }) => wishes)).toEqual(
        expect.arrayContaining([undefined, ada]),
      );
    });

    test('deciding costs a claim one statement, and another where a recipient is among many, or a project suppresses', async () => {
      const bare = await Promise.all(Array.from({ length: 20 }, () => accepted({ category: 'news' })));
      const others = await Promise.all(Array.from({ length: 20 }, () => accepted()));
      const theirs = await Promise.all(
        Array.from({ length: 20 }, () => accepted({ recipientId: 'rcp_ada' })),
      );
      const costOf = async (ids: string[], decide?: Decide) => {
        statements = 0;
        await claim(ids, decide);
        return statements;
      };
      const without = await costOf(others.slice(0, 10));
      expect(await costOf(others.slice(10), send)).toBe(without + 1);
      expect(await costOf(bare.slice(0, 10), send)).toBe(without + 1);
      expect(await costOf([...theirs.slice(0, 5), ...bare.slice(10, 15)], send)).toBe(without + 2);
      expect(await costOf(theirs.slice(5, 15), send)).toBe(without + 2);
      await database.handle
        .update(database.tables.projects)
        .set({ suppressionKey: suppressing.newKey })
        .returning();
      expect(await costOf(bare.slice(15, 20), send)).toBe(without + 2);
    });
  });
}
