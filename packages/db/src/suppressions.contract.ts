import { randomUUID } from 'node:crypto';
import { type SuppressionReason, stoppingReasons, suppressedBy } from '@tidings/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acceptItem } from './accept-item.fixture.ts';
import {
  createStore,
  type Database,
  type Decide,
  type Store,
  type Unsubscribing,
  type Verdict,
} from './index.ts';
import { addressHash, recordSuppressions, type Suppressed } from './store/suppressions.ts';
import { suppressing } from './suppressing.fixture.ts';

/** Who is on the list of suppressions, and what that does to what is claimed, on every dialect. */
export function suppressionsContract(dialect: string, open: () => Promise<Database>): void {
  describe(`suppressions on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    let projectId: string;

    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      projectId = await store.ensureProject({ id: 'prj_1', key: 'default' });
    });
    afterEach(() => database.close());

    const suppress = (address: string, reason: SuppressionReason, more: Partial<Suppressed> = {}) =>
      database.commit((db) =>
        recordSuppressions({
          database,
          db,
          projectId,
          addresses: [{ channel: 'email', address, reason, ...more }],
          ...suppressing,
        }),
      );

    const rowsOf = () => database.handle.select().from(database.tables.suppressions);

    async function accepted(
      address: string,
      options: Omit<Partial<Parameters<typeof acceptItem>[0]>, 'message'> & {
        push?: true;
      } = {},
    ): Promise<string> {
      const { push, ...rest } = options;
      const message = { address, ...(push && ({ channel: 'push', platform: 'fcm' } as const)) };
      const one = acceptItem({ projectId, ...rest, message });
      await store.accept([one]);
      return one.messages[0]?.id ?? '';
    }

    const decide: Decide = ({ suppressed, category }) => {
      const reason = suppressedBy(suppressed, category === 'security');
      return reason === undefined ? { kind: 'send' } : { kind: 'suppress', reason };
    };

    const claim = (ids: string[], leaseMs = 60_000) =>
      store.claim({ ids, token: randomUUID(), owner: 'worker', leaseMs, decide });

    async function messageOf(id: string, project = projectId) {
      const found = await store.getMessage(project, id);
      if (found === undefined) throw new Error(`no message ${id}`);
      return found;
    }

    async function fateOf(id: string): Promise<string> {
      const { message } = await messageOf(id);
      return message.reason === null ? message.status : `${message.status}: ${message.reason}`;
    }

    const bounced: Verdict = { status: 'bounced', reason: 'invalid_address', countsFailure: true };

    async function bounce(id: string) {
      const {
        claimed: [one],
      } = await claim([id]);
      if (one === undefined) throw new Error(`${id} could not be claimed`);
      const { message } = one;
      return store.settle([
        {
          messageId: id,
          token: message.leaseToken ?? '',
          attempt: message.attempt,
          generation: message.generation,
          worker: 'worker',
          outcome: 'bounced',
          reason: 'invalid_address',
          provider: 'smtp',
          code: '550 5.1.1',
          response: null,
          verdict: bounced,
          suppressing,
        },
      ]);
    }

    test.each(stoppingReasons)(
      '%s stops what goes to the address, in any case, without an attempt',
      async (reason) => {
        await suppress('Ada@Example.com', reason);
        const [mine, other] = [await accepted('aDA@eXAMPLE.com'), await accepted('bob@example.com')];
        const { claimed, aside } = await claim([mine, other]);
        expect(claimed.map(({ message }) => message.id)).toEqual([other]);
        const { message, attempts } = await messageOf(mine);
        expect(aside).toEqual([{ message, now: message.endedAt }]);
        expect(attempts).toEqual([]);
        expect(message).toMatchObject({
          status: 'suppressed',
          reason,
          place: null,
          attempt: 0,
          failures: 0,
          unanswered: 0,
          leaseToken: null,
          firstClaimedAt: null,
        });
      },
    );

    test('a category that is suppressed leaves the others alone, and so does the trace of an erasure', async () => {
      await suppress('ada@example.com', 'unsubscribed', { category: 'news' });
      await suppress('bob@example.com', 'erased');
      const news = await accepted('ada@example.com', { notification: { category: 'news' } });
      const others = [
        await accepted('ada@example.com', { notification: { category: 'offers' } }),
        await accepted('ada@example.com'),
        await accepted('bob@example.com', { notification: { category: 'news' } }),
      ];
      const { claimed } = await claim([news, ...others]);
      expect(claimed.map(({ message }) => message.id).sort()).toEqual(others.sort());
      expect(await fateOf(news)).toBe('suppressed: unsubscribed');
    });

    test('of several reasons the gravest is told, and the rule hears of all', async () => {
      await suppress('ada@example.com', 'hard_bounce');
      await suppress('ada@example.com', 'unsubscribed', { category: 'security' });
      await suppress('bob@example.com', 'unsubscribed', { category: 'security' });
      const security = { notification: { category: 'security' } };
      const [ada, bob] = [
        await accepted('ada@example.com', security),
        await accepted('bob@example.com', security),
      ];
      expect((await claim([ada, bob])).claimed.map(({ message }) => message.id)).toEqual([bob]);
      expect(await fateOf(ada)).toBe('suppressed: hard_bounce');
    });

    test('a list is of one project and one channel, and a token is matched exactly', async () => {
      const other = await store.ensureProject({ id: 'prj_2', key: 'other' });
      await suppress('Token', 'manual', { channel: 'push' });
      await suppress('ada@example.com', 'manual');
      const mine = [
        await accepted('Token', { push: true }),
        await accepted('token', { push: true }),
        await accepted('Token'),
        await accepted('ada@example.com'),
      ];
      // Even if it had the same key.
      await store.suppressionKeyOf(other, suppressing.newKey);
      const theirs = await accepted('ada@example.com', { projectId: other });
      const { claimed } = await claim([...mine, theirs]);
      expect(claimed.map(({ message }) => message.id).sort()).toEqual([mine[1], mine[2], theirs].sort());
    });

    test('many in one claim are each looked up, whatever their number', async () => {
      const ids: string[] = [];
      for (let index = 0; index < 36; index += 1) {
        const address = `reader-${index}@example.com`;
        if (index % 3 === 0) await suppress(address, 'complaint');
        ids.push(await accepted(address));
      }
      const { claimed, aside } = await claim(ids);
      expect(claimed).toHaveLength(24);
      expect(aside.map(({ message }) => message.id).sort()).toEqual(
        ids.filter((_, index) => index % 3 === 0),
      );
    });

    test('what a dead worker may have sent is not called suppressed: it ends as unknown', async () => {
      const id = await accepted('ada@example.com');
      await claim([id], -1000);
      await suppress('ada@example.com', 'complaint');
      await claim([id]);
      expect(await fateOf(id)).toBe('unknown: worker_lost');
    });

    test('a replay is suppressed again, until the address is off the list', async () => {
      await suppress('ada@example.com', 'manual');
      const id = await accepted('ada@example.com');
      const again = async () => {
        await store.replay([id]);
        await store.enterWindow({
          channel: 'email',
          lane: 'normal',
          lookaheadMs: 0,
          rooms: [{ projectId, limit: 9 }],
        });
        return claim([id]);
      };
      await claim([id]);
      expect((await again()).claimed).toEqual([]);
      expect(await fateOf(id)).toBe('suppressed: manual');
      await database.handle.delete(database.tables.suppressions).returning();
      expect((await again()).claimed.map(({ message }) => message.attempt)).toEqual([1]);
    });

    test('an e-mail that bounces puts its address on the list, with the message it came of', async () => {
      const id = await accepted('Gone@Example.com');
      expect(await bounce(id)).toEqual([{ status: 'bounced' }]);
      expect(await rowsOf()).toMatchObject([
        { channel: 'email', address: 'Gone@Example.com', category: '', reason: 'hard_bounce', messageId: id },
      ]);
      const next = await accepted('gone@example.com');
      await claim([next]);
      expect(await fateOf(next)).toBe('suppressed: hard_bounce');
      expect((await rowsOf()).length).toBe(1);
    });

    test('a push that bounces puts nothing there: its device is deactivated, and may come back', async () => {
      await bounce(await accepted('token', { push: true }));
      expect(await rowsOf()).toEqual([]);
    });

    test('what is on the list stays as it is, but for the trace of an erasure, which says nothing more', async () => {
      await suppress('ada@example.com', 'complaint', { note: 'first' });
      await suppress('ADA@example.com', 'manual', { note: 'second' });
      await suppress('ada@example.com', 'erased');
      await suppress('bob@example.com', 'erased');
      await suppress('bob@example.com', 'hard_bounce');
      const found = (await rowsOf()).map(({ address, reason, note }) => ({ address, reason, note }));
      expect(found).toEqual([
        { address: 'ada@example.com', reason: 'complaint', note: 'first' },
        { address: 'bob@example.com', reason: 'hard_bounce', note: null },
      ]);
    });

    test.each(['hard_bounce', 'complaint', 'manual'] as const)(
      'who unsubscribed and is on the list as %s then gets nothing any more, not even what is required',
      async (reason) => {
        await suppress('ada@example.com', 'unsubscribed', { note: 'first' });
        const security = { notification: { category: 'security' } };
        const before = await accepted('ada@example.com', security);
        expect((await claim([before])).claimed).toHaveLength(1);
        await suppress('Ada@example.com', reason, { note: 'second' });
        const after = await accepted('ada@example.com', security);
        await claim([after]);
        expect(await fateOf(after)).toBe(`suppressed: ${reason}`);
        await suppress('ada@example.com', 'unsubscribed', { note: 'third' });
        expect(await rowsOf()).toMatchObject([{ reason, note: 'second' }]);
      },
    );

    describe('with one click', () => {
      let made = 0;
      const actor = { kind: 'anyone', id: '', address: '', requestId: '' } as const;
      const unsubscribe = (messageId: string, subject: Unsubscribing['subject']) => {
        made += 1;
        const change = { id: `aud_click${made}`, projectId, action: 'unsubscribe.oneClick', target: '' };
        const newId = () => `sup_click${made}`;
        return store.unsubscribe({ projectId, messageId, category: 'news', subject, newId, actor, change });
      };
      const told = () => database.handle.select().from(database.tables.feedback);
      const trail = async () => (await store.listAudit(projectId, { limit: 50 })).map(({ target }) => target);
      async function hashOf(address: string) {
        const key = await store.suppressionKeyOf(projectId, suppressing.newKey);
        return { addressHash: addressHash(key, 'email', address) };
      }

      test('an address is off the e-mails of the category, known by its hash alone where its message is gone', async () => {
        const id = await accepted('Ada@example.com', { notification: { category: 'news' } });
        for (let times = 0; times < 2; times += 1) await unsubscribe(id, await hashOf('ada@example.com'));
        await unsubscribe('msg_gone', await hashOf('bob@example.com'));
        const found = (await rowsOf()).map(({ address, category, reason, messageId }) => {
          return { address, category, reason, messageId };
        });
        const common = { category: 'news', reason: 'unsubscribed' };
        expect(found).toEqual([
          { ...common, address: 'Ada@example.com', messageId: id },
          { ...common, address: null, messageId: 'msg_gone' },
        ]);
        expect(await told()).toMatchObject([{ messageId: id, type: 'unsubscribed', source: 'one_click' }]);
        expect(await trail()).toHaveLength(2);
        const ids = [id];
        for (const category of ['news', 'offers']) {
          ids.push(await accepted('bob@example.com', { notification: { category } }));
        }
        expect((await claim(ids)).claimed.map(({ message }) => message.id)).toEqual([ids[2]]);
      });

      test('a recipient is off by its preference, and one that was erased changes nothing', async () => {
        const change = { projectId, actor, action: 'recipients.upsert' };
        await store.upsertRecipients([
          { ...change, id: 'rcp_ada', auditId: 'aud_ada', input: { externalId: 'ada' } },
        ]);
        const id = await accepted('ada@example.com', { notification: { recipientId: 'rcp_ada' } });
        for (let times = 0; times < 2; times += 1) await unsubscribe(id, { recipientId: 'rcp_ada' });
        const word = { channel: 'email', category: 'news', enabled: false };
        expect((await store.findPreferences(projectId, 'ada'))?.words).toEqual([word]);
        expect(await told()).toHaveLength(1);
        expect((await trail()).filter((target) => target === 'rcp_ada')).toHaveLength(2);
        await store.beginErasure(projectId, 'ada', { actor, auditId: 'aud_gone', ...suppressing });
        await unsubscribe(id, { recipientId: 'rcp_ada' });
        expect(await store.preferencesOf('rcp_ada')).toEqual([]);
        expect(await rowsOf()).toEqual([]);
      });

      test("another project's link, or message, is none of this one's", async () => {
        const other = await store.ensureProject({ id: 'prj_2', key: 'other' });
        // Even if it had the same key.
        await store.suppressionKeyOf(other, suppressing.newKey);
        const theirs = await accepted('ada@example.com', { projectId: other });
        await unsubscribe(theirs, await hashOf('ada@example.com'));
        expect(await told()).toEqual([]);
        expect((await rowsOf()).map((row) => [row.projectId, row.address])).toEqual([[projectId, null]]);
      });
    });

    test('of several reasons for one address in one commit, the one is kept that stops everything', async () => {
      const addresses = (['unsubscribed', 'complaint', 'manual'] as const).map(
        (reason) => ({ channel: 'email', address: 'ada@example.com', reason }) as const,
      );
      await database.commit((db) =>
        recordSuppressions({ database, db, projectId, addresses, ...suppressing }),
      );
      expect((await rowsOf()).map(({ reason }) => reason)).toEqual(['complaint']);
    });

    test('one address twice in one commit is one row', async () => {
      const addresses = ['ada@example.com', 'Ada@example.com'].map(
        (address) => ({ channel: 'email', address, reason: 'complaint' }) as const,
      );
      await database.commit((db) =>
        recordSuppressions({ database, db, projectId, addresses, ...suppressing }),
      );
      expect((await rowsOf()).map(({ address }) => address)).toEqual(['ada@example.com']);
    });
  });
}
