import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acceptItem } from './accept-item.fixture.ts';
import { type AcceptItem, createStore, type Database, type PruneRule, type Store } from './index.ts';

const dayMs = 86_400_000;

/** What retention must do on every dialect. `open` gives an empty database with the schema in place. */
export function retentionContract(dialect: string, open: () => Promise<Database>): void {
  describe(`retention on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    let projectId: string;

    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      projectId = await store.ensureProject({ id: 'prj_1', key: 'default' });
    });
    afterEach(() => database.close());

    /** One that was accepted so many days ago, and sent unless it is to stay open. */
    async function accepted(
      days: number,
      options: { endedDays?: number | null; key?: string; project?: string } = {},
    ): Promise<AcceptItem> {
      const { endedDays = days, key, project = projectId } = options;
      const one = acceptItem({
        projectId: project,
        notification: {
          data: { name: 'Ada' },
          metadata: { of: 'app' },
          toName: 'Ada',
          content: { email: { subject: 'Hi' } },
          emailParts: { tags: ['invoice'] },
          ...(key && { idempotencyKey: key, requestHash: 'hash' }),
        },
      });
      await store.accept([one]);
      const id = one.messages[0]?.id ?? '';
      const { notifications, messages } = database.tables;
      if (endedDays !== null) {
        const token = randomUUID();
        await store.claim({ ids: [id], token, owner: 'w', leaseMs: 60_000 });
        const outcome = {
          outcome: 'sent',
          reason: null,
          provider: 'smtp',
          code: null,
          response: '250',
        } as const;
        const attempt = { messageId: id, token, attempt: 1, generation: 0, worker: 'w' };
        await store.settle([{ ...attempt, ...outcome, verdict: { status: 'sent' } }]);
        const endedAt = Date.now() - endedDays * dayMs;
        await database.handle.update(messages).set({ endedAt }).where(eq(messages.id, id)).returning();
      }
      await database.handle
        .update(notifications)
        .set({ createdAt: Date.now() - days * dayMs })
        .where(eq(notifications.id, one.notification.id))
        .returning();
      return one;
    }

    async function prune(rule: PruneRule, days: number, limit = 2): Promise<number> {
      let after: string | null = null;
      let pages = 0;
      do {
        ({ after } = await store.pruneNotifications({ projectId, rule, days, after, limit }));
        pages += 1;
      } while (after !== null);
      return pages;
    }

    const partsOf = async ({ notification }: AcceptItem) => {
      const { notifications } = database.tables;
      const [row] = await database.handle
        .select({ parts: notifications.emailParts })
        .from(notifications)
        .where(eq(notifications.id, notification.id));
      return row?.parts;
    };
    const found = ({ notification }: AcceptItem) => store.getNotification(projectId, notification.id);
    const foundMessage = ({ messages }: AcceptItem) => store.getMessage(projectId, messages[0]?.id ?? '');

    test('payloads of what ended before go, and no others; what happened to them stays on record', async () => {
      const old = await accepted(31);
      const young = await accepted(29);
      const open = await accepted(31, { endedDays: null });
      const endedLately = await accepted(60, { endedDays: 1 });
      const alsoOld = await accepted(40);
      const other = await store.ensureProject({ id: 'prj_2', key: 'other' });
      const elsewhere = await accepted(99, { project: other });
      expect(await prune('payloads', 30)).toBe(3);
      for (const one of [old, alsoOld]) {
        expect((await found(one))?.notification).toMatchObject({
          toName: null,
          content: null,
          data: {},
          metadata: {},
          payloadRemovedAt: expect.any(Number),
        });
        expect(await partsOf(one)).toBeNull();
        const told = await foundMessage(one);
        expect(told?.message).toMatchObject({ status: 'sent', address: null });
        // Providers quote addresses.
        expect(told?.attempts).toMatchObject([{ outcome: 'sent', provider: 'smtp', response: null }]);
        expect(told?.payloadRemovedAt).not.toBeNull();
      }
      for (const one of [young, open, endedLately]) {
        expect((await found(one))?.notification).toMatchObject({
          data: { name: 'Ada' },
          payloadRemovedAt: null,
        });
        expect(await partsOf(one)).toEqual({ tags: ['invoice'] });
        expect((await foundMessage(one))?.message.address).toBe('somebody@example.com');
      }
      const theirs = await store.getNotification(other, elsewhere.notification.id);
      expect(theirs?.notification.payloadRemovedAt).toBeNull();
    });

    test('a repeated request gets the first answer without the payload, until the key goes too', async () => {
      const first = await accepted(31, { key: 'k' });
      await prune('payloads', 30);
      const again = () => {
        const { notification, messages } = acceptItem({ projectId });
        return store.accept([
          { notification: { ...notification, idempotencyKey: 'k', requestHash: 'hash' }, messages },
        ]);
      };
      expect(await again()).toEqual([{ kind: 'replayed', answer: first.notification.answer }]);
      await prune('idempotencyKeys', 40);
      expect(await again()).toMatchObject([{ kind: 'replayed' }]);
      await prune('idempotencyKeys', 30);
      expect(await again()).toEqual([{ kind: 'stored' }]);
    });

    test('attempts go without their message', async () => {
      const [old, young] = [await accepted(91), await accepted(89)];
      await prune('attempts', 90);
      expect((await foundMessage(old))?.attempts).toEqual([]);
      expect((await foundMessage(old))?.message.status).toBe('sent');
      expect((await foundMessage(young))?.attempts).toHaveLength(1);
    });

    test('whole notifications go with all that hangs on them; what is open stays, however old', async () => {
      const old = await accepted(91);
      const open = await accepted(500, { endedDays: null });
      const young = await accepted(1);
      const replayed = await accepted(91);
      const { messages } = database.tables;
      const id = replayed.messages[0]?.id ?? '';
      await database.handle.update(messages).set({ status: 'failed' }).where(eq(messages.id, id)).returning();
      expect(await store.replay([id])).toEqual([id]);
      await prune('notifications', 90);
      expect(await found(old)).toBeUndefined();
      for (const one of [open, young, replayed]) expect(await found(one)).toBeDefined();
      await database.handle
        .update(messages)
        .set({ status: 'failed', place: null, endedAt: 0 })
        .where(eq(messages.id, id))
        .returning();
      await prune('notifications', 90);
      expect(await found(replayed)).toBeUndefined();
      const { attempts, replays } = database.tables;
      expect(await database.handle.select().from(attempts).where(eq(attempts.messageId, id))).toEqual([]);
      expect(await database.handle.select().from(replays)).toEqual([]);
    });

    test('the next round may begin where this one ended, and looks again at what it left', async () => {
      await accepted(31);
      const second = await accepted(31);
      const open = await accepted(31, { endedDays: null });
      const last = await accepted(31);
      const page = (after: string | null) =>
        store.pruneNotifications({ projectId, rule: 'payloads', days: 30, after, limit: 2 });
      const [id, openId, lastId] = [second, open, last].map(({ notification }) => notification.id);
      expect(await page(null)).toEqual({ after: id, doneUntil: id, left: [] });
      expect(await page(id ?? null)).toEqual({ after: lastId, doneUntil: lastId, left: [openId] });
      const again = () => store.pruneLeft({ rule: 'payloads', days: 30, ids: [openId ?? '', 'ntf_none'] });
      expect(await again()).toEqual([openId]);
      await database.handle
        .update(database.tables.messages)
        .set({ status: 'failed', place: null, endedAt: 0 })
        .where(eq(database.tables.messages.id, open.messages[0]?.id ?? ''))
        .returning();
      expect(await again()).toEqual([]);
      expect((await found(open))?.notification.payloadRemovedAt).not.toBeNull();
    });

    test("a project's own rules come before the defaults", async () => {
      const { projects } = database.tables;
      await database.handle
        .update(projects)
        .set({ retention: { payloadsDays: null, auditDays: 3 } })
        .returning();
      expect(await store.retentions()).toEqual([
        {
          projectId,
          retention: {
            notificationsDays: 90,
            payloadsDays: null,
            attemptsDays: 90,
            idempotencyKeysDays: 90,
            auditDays: 3,
            eventsDays: 30,
          },
        },
      ]);
    });

    test('audit rows go by age, those of the project only', async () => {
      const { audit } = database.tables;
      const row = (id: string, days: number, project: string | null) => ({
        id,
        projectId: project,
        actorKind: 'system' as const,
        actorId: '',
        address: '',
        requestId: '',
        action: 'x',
        target: 'y',
        fields: [],
        at: Date.now() - days * dayMs,
      });
      const all = [
        row('aud_1', 9, projectId),
        row('aud_2', 9, projectId),
        row('aud_3', 1, projectId),
        row('aud_4', 9, null),
      ];
      await database.handle.insert(audit).values(all).returning();
      expect(await store.pruneAudit({ projectId, days: 5, limit: 1 })).toBe(true);
      expect(await store.pruneAudit({ projectId, days: 5, limit: 1 })).toBe(true);
      expect(await store.pruneAudit({ projectId, days: 5, limit: 1 })).toBe(false);
      const left = await database.handle.select({ id: audit.id }).from(audit).orderBy(audit.id);
      expect(left.map(({ id }) => id)).toEqual(['aud_3', 'aud_4']);
    });
  });
}
