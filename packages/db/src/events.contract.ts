import { asc, eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acceptItem } from './accept-item.fixture.ts';
import { createStore, type Database, type NewEvent, type Store } from './index.ts';
import { suppressing } from './suppressing.fixture.ts';

const dayMs = 86_400_000;
const actor = { kind: 'system', id: '', address: '', requestId: '' } as const;

/** What publishing, reading and forgetting events must do on every dialect. */
export function eventsContract(dialect: string, open: () => Promise<Database>): void {
  describe(`events on ${dialect}`, () => {
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

    const trail = () => {
      made += 1;
      return { actor, auditId: `aud_${made}` };
    };

    function newEvent(given: Partial<NewEvent> = {}): NewEvent {
      made += 1;
      return {
        id: `evt_${String(made).padStart(6, '0')}`,
        projectId,
        externalId: null,
        source: '',
        requestHash: null,
        origin: 'application',
        type: 'order.created',
        subject: null,
        data: { order: 'Ünïcode 🎉' },
        ...given,
      };
    }

    async function published(given: Partial<NewEvent> = {}): Promise<string> {
      const event = newEvent(given);
      expect(await store.publish([event])).toEqual([{ kind: 'stored' }]);
      return event.id;
    }

    async function addSubscriptions(count: number): Promise<string[]> {
      const values = Array.from({ length: count }, () => {
        made += 1;
        const id = `sub_${made}`;
        return {
          id,
          projectId,
          name: id,
          kind: 'queue' as const,
          types: ['order.*'],
          ofHappenings: false,
          settings: { kind: 'queue' } as never,
          status: 'active' as const,
          createdAt: 0,
          updatedAt: 0,
        };
      });
      await database.handle.insert(database.tables.subscriptions).values(values).returning();
      return values.map(({ id }) => id);
    }

    const addSubscription = async () => (await addSubscriptions(1))[0] ?? '';

    /** A copy of an event with one attempt. */
    async function addCopy(
      eventId: string,
      subscriptionId: string,
      given: Partial<typeof database.tables.copies.$inferInsert> = {},
    ): Promise<string> {
      made += 1;
      const id = `cpy_${made}`;
      await database.handle
        .insert(database.tables.copies)
        .values({
          id,
          eventId,
          subscriptionId,
          projectId,
          status: 'queued',
          place: 'store',
          dueAt: 0,
          createdAt: 0,
          ...given,
        })
        .returning();
      await database.handle
        .insert(database.tables.copyAttempts)
        .values({
          copyId: id,
          number: 1,
          generation: 0,
          worker: 'w',
          startedAt: 0,
          finishedAt: 0,
          outcome: 'transient',
          response: 'about Lovelace',
        })
        .returning();
      return id;
    }

    const eventRow = async (id: string) => {
      const { events } = database.tables;
      const [row] = await database.handle.select().from(events).where(eq(events.id, id));
      if (row === undefined) throw new Error(`no event ${id}`);
      return row;
    };
    const idsIn = async (name: 'events' | 'copies') => {
      const table = database.tables[name];
      const found = await database.handle.select({ id: table.id }).from(table).orderBy(asc(table.id));
      return found.map(({ id }) => id);
    };

    test('an event is stored as it was given, at the time of the database, in as many statements as it takes', async () => {
      const before = Date.now();
      const occurredAt = Date.parse('2020-01-01T00:00:00Z');
      const items = [
        newEvent({ occurredAt, subject: 'user-42', source: '/orders', externalId: 'a', requestHash: 'h' }),
        ...Array.from({ length: 300 }, () => newEvent()),
      ];
      const results = await store.publish(items);
      expect(results.every(({ kind }) => kind === 'stored')).toBe(true);
      const [first, last] = [await eventRow(items[0]?.id ?? ''), await eventRow(items[300]?.id ?? '')];
      expect(first).toMatchObject({ ...items[0], fannedOutAt: null, payloadRemovedAt: null });
      expect(first.createdAt).toBeGreaterThanOrEqual(before - 60_000);
      // One instant for all, and what does not say when it happened happened then.
      expect(last.createdAt).toBe(first.createdAt);
      expect(last.occurredAt).toBe(last.createdAt);
    });

    test('one id of a source is one event: equal ones are its repeats, in one call or in many', async () => {
      const same = () => newEvent({ externalId: 'o-1', source: '/orders', requestHash: 'equal' });
      const [one, two] = [same(), same()];
      expect(await store.publish([one, two])).toEqual([
        { kind: 'stored' },
        { kind: 'replayed', id: one.id, type: 'order.created' },
      ]);
      const many = await Promise.all(Array.from({ length: 20 }, () => store.publish([same(), newEvent()])));
      for (const [again, other] of many) {
        expect(again).toEqual({ kind: 'replayed', id: one.id, type: 'order.created' });
        expect(other).toEqual({ kind: 'stored' });
      }
      expect(await store.publish([{ ...same(), requestHash: 'other' }])).toEqual([{ kind: 'conflict' }]);
      expect(await idsIn('events')).toHaveLength(21);
      expect(await store.findFirstEvent(projectId, '/orders', 'o-1')).toEqual({
        id: one.id,
        type: 'order.created',
        requestHash: 'equal',
      });
    });

    test('an id is one of its source and project, and without an id each is an event of its own', async () => {
      const other = await store.ensureProject({ id: 'prj_2', key: 'other' });
      const all = [
        newEvent({ externalId: 'x' }),
        newEvent({ externalId: 'x', source: '/a' }),
        newEvent({ externalId: 'x', source: '/b' }),
        newEvent({ externalId: 'x', projectId: other }),
        newEvent(),
        newEvent(),
      ];
      expect((await store.publish(all)).map(({ kind }) => kind)).toEqual(Array(6).fill('stored'));
      expect((await store.findEvent(projectId, 'x', ''))?.id).toBe(all[0]?.id);
      expect((await store.findEvent(projectId, 'x', '/b'))?.id).toBe(all[2]?.id);
      expect((await store.findEvent(other, 'x', ''))?.id).toBe(all[3]?.id);
      expect((await store.findEvent(projectId, all[4]?.id ?? '', ''))?.id).toBe(all[4]?.id);
      expect(await store.findEvent(other, all[4]?.id ?? '', '')).toBeUndefined();
      expect(await store.findEvent(projectId, 'x', '/c')).toBeUndefined();
    });

    test('a list goes by id in pages, by type, subject and origin, without data', async () => {
      const [a, b, c] = [
        await published({ subject: 'ada' }),
        await published({ type: 'order.paid', subject: 'ada' }),
        await published({ type: 'message.sent', origin: 'tidings' }),
      ];
      const ids = async (filters: Parameters<Store['listEvents']>[1]) =>
        (await store.listEvents(projectId, filters)).map(({ id }) => id);
      expect(await ids({ limit: 2 })).toEqual([c, b, a]);
      expect(await ids({ limit: 2, after: b })).toEqual([a]);
      expect(await ids({ limit: 2, before: a })).toEqual([b, c]);
      expect(await ids({ limit: 9, type: 'order.paid' })).toEqual([b]);
      expect(await ids({ limit: 9, subject: 'ada' })).toEqual([b, a]);
      expect(await ids({ limit: 9, origin: 'tidings' })).toEqual([c]);
      expect((await store.listEvents(projectId, { limit: 1 }))[0]).not.toHaveProperty('data');
      const d = await published({ subject: 'rcp_ada' });
      const about = async (page: { limit: number; after?: string; before?: string }) =>
        (await store.eventsAbout(projectId, ['ada', 'rcp_ada'], page)).map(({ id, data }) => [
          id,
          data.order,
        ]);
      const order = 'Ünïcode 🎉';
      expect(await about({ limit: 1 })).toEqual([
        [d, order],
        [b, order],
      ]);
      expect(await about({ limit: 2, after: d })).toEqual([
        [b, order],
        [a, order],
      ]);
      expect(await about({ limit: 1, before: a })).toEqual([
        [b, order],
        [d, order],
      ]);
    });

    test('copies of events say whose they are', async () => {
      const [event, other] = [await published(), await published()];
      const subscription = await addSubscription();
      const copy = await addCopy(event, subscription);
      await addCopy(other, subscription);
      expect(await store.copiesOf([event])).toMatchObject([
        {
          copy: { id: copy, eventId: event, subscriptionId: subscription },
          subscription: { name: subscription, kind: 'queue' },
        },
      ]);
      expect(await store.copiesOf([])).toEqual([]);
    });

    test('a type is declared, declared otherwise, and taken back, each time on record', async () => {
      const put = (given: object) =>
        store.putEventType(actor, { projectId, type: 'order.created', ...given, auditId: trail().auditId });
      await put({ description: 'An order', schema: { type: 'object' } });
      expect(await put({ description: null })).toMatchObject({
        description: null,
        schema: { type: 'object' },
      });
      await put({ schema: null });
      expect(await store.findEventType(projectId, 'order.created')).toMatchObject({ schema: null });
      expect(await store.eventTypesOf(projectId)).toHaveLength(1);
      const remove = () =>
        store.removeEventType(actor, { projectId, type: 'order.created', auditId: trail().auditId });
      expect([await remove(), await remove()]).toEqual([true, false]);
      const audit = await store.listAudit(projectId, { limit: 9 });
      expect(audit.map(({ action, target, fields }) => [action, target, fields])).toEqual([
        ['eventTypes.remove', 'order.created', []],
        ['eventTypes.upsert', 'order.created', ['schema']],
        ['eventTypes.upsert', 'order.created', ['description']],
        ['eventTypes.upsert', 'order.created', ['description', 'schema']],
      ]);
    });

    test('events go when they are old enough, with copies and attempts whatever became of them', async () => {
      const other = await store.ensureProject({ id: 'prj_2', key: 'other' });
      const old = [await published(), await published(), await published()];
      const kept = [await published(), await published({ projectId: other })];
      const subscriptions = [await addSubscription(), await addSubscription()];
      for (const event of [...old, ...kept]) {
        await addCopy(event, subscriptions[0] ?? '', { status: 'delivered', place: null, endedAt: 1 });
        await addCopy(event, subscriptions[1] ?? '');
      }
      const { events, copyAttempts } = database.tables;
      for (const id of [...old, kept[1] ?? '']) {
        const createdAt = Date.now() - 31 * dayMs;
        await database.handle.update(events).set({ createdAt }).where(eq(events.id, id)).returning();
      }
      const prune = () => store.pruneEvents({ projectId, days: 30, limit: 2 });
      expect([await prune(), await prune(), await prune()]).toEqual([true, false, false]);
      expect(await idsIn('events')).toEqual(kept);
      expect(await idsIn('copies')).toHaveLength(4);
      expect(await database.handle.select().from(copyAttempts)).toHaveLength(4);
    });

    test('an event with more copies than a commit removes goes with the next one', async () => {
      const event = await published();
      await database.handle.update(database.tables.events).set({ createdAt: 0 }).returning();
      const copies = (await addSubscriptions(1001)).map((subscriptionId) => ({
        id: `cpy_of_${subscriptionId}`,
        eventId: event,
        subscriptionId,
        projectId,
        status: 'queued' as const,
        dueAt: 0,
        createdAt: 0,
      }));
      await database.handle.insert(database.tables.copies).values(copies).returning();
      const prune = () => store.pruneEvents({ projectId, days: 30, limit: 200 });
      expect(await prune()).toBe(true);
      expect([await idsIn('events'), (await idsIn('copies')).length]).toEqual([[event], 1]);
      expect(await prune()).toBe(false);
      expect([await idsIn('events'), await idsIn('copies')]).toEqual([[], []]);
    });

    describe('an erasure', () => {
      async function eraseAda(): Promise<void> {
        await store.beginErasure(projectId, 'ada', { ...trail(), ...suppressing });
        while (await store.continueErasure('rcp_ada'));
      }

      beforeEach(async () => {
        const input = { externalId: 'ada', email: 'ada@secret.example' };
        await store.upsertRecipients([
          { ...trail(), action: 'recipients.upsert', projectId, id: 'rcp_ada', input },
        ]);
      });

      test('leaves nothing of what was said about the recipient, by either of its ids, and of nobody else', async () => {
        const data = { name: 'Lovelace' };
        const about = [
          await published({ subject: 'ada', data }),
          await published({ subject: 'rcp_ada', data }),
        ];
        const many = Array.from({ length: 120 }, () => newEvent({ subject: 'ada', data }));
        await store.publish(many);
        const others = [await published({ subject: 'bob' }), await published()];
        await eraseAda();
        for (const id of [...about, ...many.map((one) => one.id)]) {
          const row = await eventRow(id);
          expect(row).toMatchObject({ subject: null, data: {}, type: 'order.created' });
          expect([row.payloadRemovedAt, row.fannedOutAt]).not.toContain(null);
        }
        for (const id of others) {
          expect(await eventRow(id)).toMatchObject({ data: { order: 'Ünïcode 🎉' }, payloadRemovedAt: null });
        }
        expect((await eventRow(others[0] ?? '')).subject).toBe('bob');
        const { erasures } = database.tables;
        expect(JSON.stringify(await database.handle.select().from(erasures))).not.toContain('"ada"');
      });

      test('empties events that caused its notifications, or tell of them, and ends their copies that wait', async () => {
        const sent = acceptItem({ projectId, notification: { recipientId: 'rcp_ada' } });
        await store.accept([sent]);
        const [cause, other] = [await published({ data: { name: 'Lovelace' } }), await published()];
        const rule = await addSubscription();
        await addCopy(cause, rule, {
          status: 'delivered',
          place: null,
          endedAt: 1,
          notificationId: sent.notification.id,
        });
        const waiting = await addCopy(cause, await addSubscription(), { status: 'retrying' });
        const inHand = await addCopy(cause, await addSubscription(), { status: 'sending' });
        const others = await addCopy(other, rule);
        const told = await published({
          type: 'message.sent',
          origin: 'tidings',
          subject: sent.notification.id,
          data: { metadata: { name: 'Lovelace' } },
        });
        await eraseAda();
        expect(await eventRow(told)).toMatchObject({ subject: null, data: {} });
        expect(await eventRow(cause)).toMatchObject({ subject: null, data: {} });
        expect(await eventRow(other)).toMatchObject({ payloadRemovedAt: null });
        const copies = await store.copiesOf([cause, other]);
        const of = (id: string) => copies.find(({ copy }) => copy.id === id)?.copy;
        expect(of(waiting)).toMatchObject({ status: 'skipped', reason: 'payload_removed', place: null });
        expect(of(waiting)?.endedAt).not.toBeNull();
        expect(of(inHand)).toMatchObject({ status: 'sending' });
        expect(of(others)).toMatchObject({ status: 'queued' });
        const { copyAttempts } = database.tables;
        const tries = await database.handle.select().from(copyAttempts).orderBy(asc(copyAttempts.copyId));
        const answers = tries.map(({ copyId, response }) => [copyId, response]);
        expect(answers.filter(([, response]) => response !== null)).toEqual([[others, 'about Lovelace']]);
      });
    });
  });
}
