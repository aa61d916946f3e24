import { randomUUID } from 'node:crypto';
import { type FeedbackType, type MessageStatus, messageStatuses, statusesBefore } from '@tidings/contracts';
import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acceptItem } from './accept-item.fixture.ts';
import { createStore, type Database, type Feedback, type Store } from './index.ts';
import { suppressing } from './suppressing.fixture.ts';

const actor = { kind: 'system', id: '', address: '', requestId: '' } as const;
const worker = 'worker-1';

/** What feedback must do on every dialect. `open` gives an empty database with the schema in place. */
export function feedbackContract(dialect: string, open: () => Promise<Database>): void {
  describe(`feedback on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    let projectId: string;

    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      projectId = await store.ensureProject({ id: 'prj_1', key: 'default' });
    });
    afterEach(() => database.close());

    type MessageFields = Partial<Parameters<typeof acceptItem>[0]['message']>;

    async function accepted(message: MessageFields = {}, project = projectId): Promise<string> {
      const one = acceptItem({ projectId: project, message: { address: 'Ada@example.com', ...message } });
      await store.accept([one]);
      return one.messages[0]?.id ?? '';
    }

    async function claimed(id: string) {
      const { claimed: all } = await store.claim({
        ids: [id],
        token: randomUUID(),
        owner: worker,
        leaseMs: 60_000,
      });
      const [one] = all;
      if (one === undefined) throw new Error(`${id} could not be claimed`);
      return one.message;
    }

    async function settleSent(message: Awaited<ReturnType<typeof claimed>>, providerMessageId?: string) {
      const [settled] = await store.settle([
        {
          messageId: message.id,
          token: message.leaseToken ?? '',
          attempt: message.attempt,
          generation: message.generation,
          worker,
          outcome: 'sent',
          reason: null,
          provider: 'sendgrid',
          providerMessageId,
          code: '202',
          response: null,
          verdict: { status: 'sent' },
        },
      ]);
      return settled?.status;
    }

    async function sent(message: MessageFields = {}, providerMessageId?: string): Promise<string> {
      const id = await accepted(message);
      await settleSent(await claimed(id), providerMessageId);
      return id;
    }

    /** A message that stands like this, however it came to. */
    async function messageIn(status: MessageStatus): Promise<string> {
      const id = await accepted();
      const { leaseToken, leaseUntil } = await claimed(id);
      const lease =
        status === 'sending' ? { leaseToken, leaseUntil } : { leaseToken: null, leaseUntil: null };
      await database.handle
        .update(database.tables.messages)
        .set({ status, ...lease, ...(isOpen(status) ? {} : { place: null, endedAt: 1, reason: 'rejected' }) })
        .where(eq(database.tables.messages.id, id))
        .returning();
      return id;
    }
    const isOpen = (status: MessageStatus) => ['scheduled', 'queued', 'retrying', 'sending'].includes(status);

    const record = (feedback: Feedback[], project: string | null = projectId) =>
      store.recordFeedback({ projectId: project, source: 'sendgrid', feedback, ...suppressing });
    const tell = (messageId: string, type: FeedbackType, at?: number) => record([{ messageId, type, at }]);

    async function messageOf(id: string) {
      const found = await store.getMessage(projectId, id);
      if (found === undefined) throw new Error(`no message ${id}`);
      return found;
    }
    const statusOf = async (id: string) => (await messageOf(id)).message.status;
    const stored = () => database.handle.select().from(database.tables.feedback);
    const suppressed = async () =>
      (await database.handle.select().from(database.tables.suppressions)).map(
        ({ channel, address, reason, messageId }) => [channel, address, reason, messageId],
      );

    test('is stored once for each of its ids, and told with the message, the oldest first', async () => {
      const id = await sent();
      const opened: Feedback = { messageId: id, type: 'opened', eventId: 'e2', at: 2000 };
      const clicked: Feedback = { messageId: id, type: 'clicked', eventId: 'e1', at: 1000 };
      expect(await record([opened, clicked, opened])).toEqual(['recorded', 'recorded', 'repeated']);
      expect(await record([clicked, { ...clicked, eventId: 'e3' }])).toEqual(['repeated', 'recorded']);
      const { feedback, message } = await messageOf(id);
      expect(feedback.map(({ type, eventId, at, source }) => [type, eventId, at, source])).toEqual([
        ['clicked', 'e1', 1000, 'sendgrid'],
        ['clicked', 'e3', 1000, 'sendgrid'],
        ['opened', 'e2', 2000, 'sendgrid'],
      ]);
      expect(message.status).toBe('sent');
    });

    test('told many times at once, in any order and while attempts come back, is stored once', async () => {
      const inHand = await Promise.all(Array.from({ length: 20 }, async () => claimed(await accepted())));
      const told = inHand.map(({ id }): Feedback => ({ messageId: id, type: 'delivered', eventId: 'one' }));
      const orders = Array.from({ length: 8 }, (_, turn) => [...told.slice(turn), ...told.slice(0, turn)]);
      const [results] = await Promise.all([
        Promise.all(orders.map((order, turn) => record(turn % 2 === 0 ? order : order.toReversed()))),
        ...inHand.map((message) => settleSent(message)),
      ]);
      const recorded = results.flat().filter((result) => result === 'recorded');
      expect(recorded).toHaveLength(told.length);
      expect(await stored()).toHaveLength(told.length);
      for (const { id } of inHand) expect(await statusOf(id)).toBe('delivered');
    });

    test('without an id is known by its instant, and is never later than it was told', async () => {
      const id = await sent();
      expect(await tell(id, 'opened', 5000)).toEqual(['recorded']);
      expect(await tell(id, 'opened', 5000)).toEqual(['repeated']);
      await tell(id, 'clicked', Date.now() + 86_400_000);
      for (const { at, receivedAt } of await stored()) expect(at).toBeLessThanOrEqual(receivedAt);
    });

    test("finds a message by the provider's own id, and counts what it does not find", async () => {
      const id = await sent({}, 'sg-1');
      const byProvider = (providerMessageId: string): Feedback => ({ providerMessageId, type: 'delivered' });
      expect(await record([byProvider('sg-2'), byProvider('sg-1'), { type: 'opened' }])).toEqual([
        'unknown',
        'recorded',
        'unknown',
      ]);
      expect(await record([{ messageId: 'msg_none', type: 'opened' }])).toEqual(['unknown']);
      expect(await statusOf(id)).toBe('delivered');
    });

    test('by an id that a provider gives to everything is of no message, and costs nothing else that is told', async () => {
      const alike: string[] = [];
      for (let index = 0; index < 9; index += 1) alike.push(await sent({}, 'same'));
      const id = await sent({}, 'its-own');
      const byProvider = (providerMessageId: string): Feedback => ({ providerMessageId, type: 'delivered' });
      for (const others of [[], ['none'], ['none', 'nor-this', 'nor-that']]) {
        const told = ['same', ...others, 'its-own'].map(byProvider);
        const [first, ...rest] = await record(told);
        expect([first, rest.at(-1)]).toEqual(['unknown', expect.stringMatching(/recorded|repeated/)]);
      }
      expect(await record([byProvider('same')])).toEqual(['unknown']);
      for (const one of alike) expect(await statusOf(one)).toBe('sent');
      expect(await statusOf(id)).toBe('delivered');
    });

    test('of one project moves nothing of another; that of the instance may be of any', async () => {
      const id = await sent({}, 'sg-1');
      const other = await store.ensureProject({ id: 'prj_2', key: 'other' });
      const told: Feedback[] = [
        { messageId: id, type: 'bounced' },
        { providerMessageId: 'sg-1', type: 'bounced' },
      ];
      expect(await record(told, other)).toEqual(['unknown', 'unknown']);
      expect(await statusOf(id)).toBe('sent');
      expect(await stored()).toEqual([]);
      expect(await suppressed()).toEqual([]);
      expect(await record([{ messageId: id, type: 'delivered' }], null)).toEqual(['recorded']);
      expect(await statusOf(id)).toBe('delivered');
    });

    test.each(messageStatuses)('that it was delivered wins over %s', async (status) => {
      const id = await messageIn(status);
      await tell(id, 'delivered');
      const { message } = await messageOf(id);
      const { status: now, reason, place, leaseToken, endedAt } = message;
      if (status === 'delivered') return expect(now).toBe('delivered');
      expect({ status: now, place, leaseToken }).toEqual({
        status: 'delivered',
        place: null,
        leaseToken: null,
      });
      expect(endedAt).not.toBeNull();
      if (status !== 'sent') expect(reason).toBeNull();
    });

    test.each(messageStatuses)('that it bounced, told of what is %s', async (status) => {
      const id = await messageIn(status);
      await tell(id, 'bounced');
      const moves = statusesBefore('bounced').includes(status) || status === 'unknown';
      expect(await statusOf(id)).toBe(moves || status === 'bounced' ? 'bounced' : status);
    });

    const early = 1000;
    const late = 2000;
    test.each<[string, Array<[FeedbackType, number]>, MessageStatus]>([
      [
        'a bounce of what was delivered',
        [
          ['delivered', early],
          ['bounced', late],
        ],
        'bounced',
      ],
      [
        'a delivery after a bounce',
        [
          ['bounced', early],
          ['delivered', late],
        ],
        'delivered',
      ],
      [
        'both in one second',
        [
          ['delivered', late + 500],
          ['bounced', late],
        ],
        'bounced',
      ],
    ])('%s ends the same, in whatever order and however often it is told', async (_, words, expected) => {
      for (const order of [words, [...words].reverse()]) {
        const [one, together] = [await sent(), await sent()];
        for (const [type, at] of [...order, ...order]) await tell(one, type, at);
        await record(order.map(([type, at]) => ({ messageId: together, type, at })));
        expect([await statusOf(one), await statusOf(together)]).toEqual([expected, expected]);
      }
    });

    test('a bounce puts the e-mail address on the list, once, and so does a complaint', async () => {
      const id = await sent();
      await tell(id, 'bounced', 1000);
      await tell(id, 'bounced', 2000);
      expect(await suppressed()).toEqual([['email', 'Ada@example.com', 'hard_bounce', id]]);
      const other = await sent({ address: 'bob@example.com' });
      await tell(other, 'complained');
      expect((await suppressed())[1]).toEqual(['email', 'bob@example.com', 'complaint', other]);
      expect(await statusOf(other)).toBe('sent');
    });

    test('a bounce that a delivery overruled puts nothing on the list', async () => {
      const id = await sent();
      await tell(id, 'delivered', 2000);
      await tell(id, 'bounced', 1000);
      expect(await suppressed()).toEqual([]);
    });

    test('a bounced push deactivates its device', async () => {
      const device = { id: 'dev_1', recipientId: 'rcp_1', platform: 'fcm', token: 'token-1', keys: null };
      const change = { actor, auditId: 'aud_1', action: 'recipients.upsert', projectId, id: 'rcp_1' };
      await store.upsertRecipients([{ ...change, input: { externalId: 'ada' } }]);
      await store.registerDevice(projectId, device as never, { actor, auditId: 'aud_2' });
      const id = await sent({ channel: 'push', platform: 'fcm', address: 'token-1' });
      await tell(id, 'bounced');
      const found = await store.findRecipient(projectId, 'ada');
      expect(found?.devices.map(({ deactivatedAt }) => deactivatedAt)).toEqual([expect.any(Number)]);
      expect(await suppressed()).toEqual([]);
      expect(await statusOf(id)).toBe('bounced');
    });

    test('what is open and was delivered is not sent again', async () => {
      const id = await messageIn('retrying');
      await tell(id, 'delivered');
      const { claimed: none, refused } = await store.claim({
        ids: [id],
        token: 'token',
        owner: worker,
        leaseMs: 60_000,
      });
      expect(none).toEqual([]);
      expect(refused.map(({ message }) => message.status)).toEqual(['delivered']);
    });

    test('nothing that is told of a message keeps it from being sent, while no provider had it', async () => {
      const id = await accepted();
      await record([
        { messageId: id, type: 'delivered' },
        { messageId: id, type: 'bounced' },
      ]);
      expect(await suppressed()).toEqual([]);
      expect(await settleSent(await claimed(id))).toBe('sent');
    });

    test('told before the outcome of its attempt is on record, it is not undone by that', async () => {
      for (const [type, status] of [
        ['bounced', 'bounced'],
        ['delivered', 'delivered'],
      ] as const) {
        const id = await accepted();
        const inHand = await claimed(id);
        await tell(id, type);
        expect(await settleSent(inHand, 'sg-9')).toBe('fenced');
        expect(await messageOf(id)).toMatchObject({
          message: { status },
          attempts: [{ outcome: 'sent', providerMessageId: 'sg-9' }],
        });
      }
    });

    test('a bounce of the life before a replay does not end the one after it', async () => {
      const id = await sent();
      await tell(id, 'bounced', 1000);
      expect(await store.replay([id])).toEqual([id]);
      expect(await settleSent(await claimed(id))).toBe('sent');
      await tell(id, 'bounced', 1500);
      await tell(id, 'delivered', 900);
      expect(await statusOf(id)).toBe('sent');
      await tell(id, 'bounced');
      expect(await statusOf(id)).toBe('bounced');
    });

    test('of a message that was erased, no words of providers are kept, whichever came first', async () => {
      const response = 'unknown user <ada@example.com>';
      const id = await sent();
      await record([{ messageId: id, type: 'bounced', response, at: 1000 }]);
      expect(await stored()).toMatchObject([{ response }]);
      await database.handle
        .update(database.tables.notifications)
        .set({ recipientId: 'rcp_1' })
        .returning({ id: database.tables.notifications.id });
      const change = { actor, auditId: 'aud_1', action: 'recipients.upsert', projectId, id: 'rcp_1' };
      await store.upsertRecipients([{ ...change, input: { externalId: 'ada' } }]);
      await store.beginErasure(projectId, 'ada', { actor, auditId: 'aud_2', ...suppressing });
      while (await store.continueErasure('rcp_1'));
      await record([{ messageId: id, type: 'bounced', response, at: 2000 }]);
      expect((await stored()).map((row) => row.response)).toEqual([null, null]);
    });
  });
}
