import { type DeadStatus, messageStatuses } from '@tidings/contracts';
import { eq, sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acceptItem } from './accept-item.fixture.ts';
import type { AcceptItem, Actor, Database, DeadLetterSearch, Page, Store } from './index.ts';
import { createStore } from './index.ts';
import { selectDeadLetters } from './store/dead-letters.ts';
import { suppressing } from './suppressing.fixture.ts';

const actor: Actor = { kind: 'key', id: 'key_1', address: '', requestId: 'req' };

/** Dead letters and how they are sent again, on every dialect. */
export function deadLettersContract(dialect: string, open: () => Promise<Database>): void {
  describe(`dead letters on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    let projectId: string;

    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      projectId = await store.ensureProject({ id: 'prj_1', key: 'default' });
    });
    afterEach(() => database.close());

    type Item = Omit<Parameters<typeof acceptItem>[0], 'projectId'>;
    /** Accepts a message that has ended; answers its id. */
    async function ended(item: Item & { projectId?: string } = {}): Promise<string> {
      const one: AcceptItem = acceptItem({
        projectId,
        ...item,
        message: { status: 'failed', reason: 'rejected', place: null, ...item.message },
      });
      await store.accept([one]);
      return one.messages[0]?.id ?? '';
    }
    async function endedAt(id: string, at: number) {
      const { messages } = database.tables;
      await database.handle.update(messages).set({ endedAt: at }).where(eq(messages.id, id)).returning();
    }
    const found = async (search: Partial<DeadLetterSearch & Page> = {}) =>
      (await store.listDeadLetters(projectId, { limit: 100, ...search })).map(({ message }) => message.id);
    const change = { id: 'aud_1', projectId: null, action: 'deadLetters.replay', target: 'x' };
    const messageOf = async (id: string) => (await store.getMessage(projectId, id))?.message;

    test('are what failed, bounced, expired or may not have arrived, newest first, of one project', async () => {
      const other = await store.ensureProject({ id: 'prj_2', key: 'other' });
      await ended({ projectId: other });
      const ids: Partial<Record<string, string>> = {};
      for (const status of messageStatuses) ids[status] = await ended({ message: { status } });
      const dead: DeadStatus[] = ['unknown', 'expired', 'failed', 'bounced'];
      expect(await found()).toEqual(dead.map((status) => ids[status]));
      expect(await found({ limit: 2 })).toEqual([ids.unknown, ids.expired, ids.failed]);
      expect(await found({ after: ids.expired })).toEqual([ids.failed, ids.bounced]);
      expect(await found({ before: ids.failed })).toEqual([ids.expired, ids.unknown]);
    });

    test('each filter holds, alone and with the others', async () => {
      const plain = await ended();
      const other = await ended({
        notification: { templateKey: 'news', recipientId: 'rcp_ada' },
        message: { status: 'bounced', reason: 'invalid_address', channel: 'push', lane: 'bulk' },
      });
      await endedAt(plain, 1000);
      await endedAt(other, 2000);
      const filters: DeadLetterSearch[] = [
        { status: 'bounced' },
        { reason: 'invalid_address' },
        { channel: 'push' },
        { lane: 'bulk' },
        { template: 'news' },
        { recipientId: 'rcp_ada' },
        { endedFrom: 2000 },
      ];
      for (const filter of filters) expect([filter, await found(filter)]).toEqual([filter, [other]]);
      expect(await found(Object.assign({}, ...filters))).toEqual([other]);
      expect(await found({ endedTo: 2000 })).toEqual([plain]);
      expect(await found({ status: 'bounced', lane: 'normal' })).toEqual([]);
    });

    test('the provider is the one that the last attempt went to', async () => {
      const id = await ended();
      const { messages, attempts } = database.tables;
      const attempt = {
        messageId: id,
        generation: 0,
        worker: 'w',
        startedAt: 0,
        outcome: 'rejected',
      } as const;
      await database.handle
        .insert(attempts)
        .values([
          { ...attempt, number: 1, provider: 'first', code: '451' },
          { ...attempt, number: 2, provider: 'second', code: '550' },
        ])
        .returning();
      await database.handle.update(messages).set({ attempt: 2 }).where(eq(messages.id, id)).returning();
      expect(await found({ provider: 'first' })).toEqual([]);
      const [line] = await store.listDeadLetters(projectId, { limit: 1, provider: 'second' });
      expect(line).toMatchObject({ message: { id }, last: { provider: 'second', code: '550' } });
    });

    test('what stands against sending one again is known, and why', async () => {
      await store.upsertRecipients([
        {
          id: 'rcp_ada',
          auditId: 'aud_0',
          action: 'x',
          actor,
          projectId,
          input: { externalId: 'ada', email: 'a@example.com' },
        },
      ]);
      const other = await store.ensureProject({ id: 'prj_2', key: 'other' });
      const ids = {
        able: await ended({ message: { status: 'suppressed' } }),
        open: await ended({ message: { status: 'queued', reason: null, place: 'store' } }),
        delivered: await ended({ message: { status: 'delivered' } }),
        no_address: await ended({ message: { status: 'skipped', address: null } }),
        payload_removed: await ended({ message: { address: null } }),
        erased: await ended({
          notification: { recipientId: 'rcp_ada' },
          message: { address: 'a@example.com' },
        }),
        foreign: await ended({ projectId: other }),
      };
      const { notifications } = database.tables;
      const removed = (await messageOf(ids.payload_removed))?.notificationId ?? '';
      await database.handle
        .update(notifications)
        .set({ payloadRemovedAt: 1 })
        .where(eq(notifications.id, removed))
        .returning();
      await store.beginErasure(projectId, 'ada', { actor, auditId: 'aud_9', ...suppressing });
      while (await store.continueErasure('rcp_ada'));
      const candidates = await store.replayCandidates(projectId, [...Object.values(ids), 'msg_unknown']);
      const refusals = Object.fromEntries(candidates.map(({ id, refusal }) => [id, refusal]));
      expect(refusals).toEqual({
        [ids.able]: undefined,
        [ids.open]: 'open',
        [ids.delivered]: 'delivered',
        [ids.no_address]: 'no_address',
        [ids.payload_removed]: 'payload_removed',
        [ids.erased]: 'erased',
      });
    });

    test('many go out again in one commit, each with its version, and the trail counts them', async () => {
      const [frozen, current, sent] = [await ended(), await ended(), await ended()];
      await store.replay([sent]);
      const wanted = [
        { id: frozen, templateId: null },
        { id: current, templateId: 'tpl_2' },
        { id: sent, templateId: 'tpl_2' },
      ];
      const recorded = { actor, change: { ...change, projectId, fields: ['current'] } };
      expect(await store.replayMessages(wanted, 3, recorded)).toEqual([{ id: sent, reason: 'open' }]);
      expect(await messageOf(frozen)).toMatchObject({ status: 'queued', templateId: null, place: 'store' });
      expect(await messageOf(current)).toMatchObject({ status: 'queued', templateId: 'tpl_2' });
      expect(await messageOf(sent)).toMatchObject({ status: 'queued', templateId: null });
      const { replays = [] } = (await store.getMessage(projectId, current)) ?? {};
      expect(replays).toMatchObject([{ generation: 1, templateId: 'tpl_2', status: 'failed' }]);
      expect(await store.listAudit(projectId, { limit: 9 })).toMatchObject([
        { action: 'deadLetters.replay', fields: ['current', 'replayed 2', 'skipped 4'] },
      ]);
      expect(await found()).toEqual([]);
    });

    test('a replay as it was accepted takes an earlier version back', async () => {
      const id = await ended();
      const again = (templateId: string | null, auditId: string) =>
        store.replayMessages([{ id, templateId }], 0, {
          actor,
          change: { ...change, id: auditId, projectId },
        });
      await again('tpl_2', 'aud_2');
      const { messages } = database.tables;
      await database.handle.update(messages).set({ status: 'failed', place: null }).returning();
      await again(null, 'aud_3');
      expect(await messageOf(id)).toMatchObject({ status: 'queued', templateId: null, generation: 2 });
    });

    test('nothing is on the trail of a replay that moved nothing', async () => {
      const id = await ended({ message: { status: 'sent' } });
      const recorded = { actor, change: { ...change, projectId } };
      expect(await store.replayMessages([{ id, templateId: null }], 0, recorded)).toHaveLength(1);
      expect(await store.listAudit(projectId, { limit: 9 })).toEqual([]);
    });

    test.runIf(dialect.startsWith('Postgres'))('a page walks the index of dead letters', async () => {
      for (let index = 0; index < 4; index += 1) {
        await store.accept(
          Array.from({ length: 500 }, () =>
            acceptItem({ projectId, message: { status: index === 0 ? 'failed' : 'sent', place: null } }),
          ),
        );
      }
      const { handle } = database as unknown as {
        handle: { execute(text: unknown): Promise<{ rows: unknown[] }> };
      };
      await handle.execute(sql`analyze`);
      for (const search of [{}, { status: 'failed', endedFrom: 1 } as const]) {
        const query = selectDeadLetters(database, projectId, { limit: 20, ...search });
        const plan = await handle.execute(sql`explain ${query}`);
        expect(JSON.stringify(plan.rows)).toMatch(/Index Scan Backward using messages_dead/);
      }
    });
  });
}
