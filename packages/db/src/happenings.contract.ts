import { randomUUID } from 'node:crypto';
import { idSchema, type JsonObject } from '@tidings/contracts';
import { asc, eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acceptItem } from './accept-item.fixture.ts';
import { addSubscription, newEvent } from './copies.fixture.ts';
import {
  addressHash,
  createStore,
  type Database,
  type Decide,
  type Feedback,
  type MessageRow,
  type Settlement,
  type Store,
  type SubscriptionRow,
  type Verdict,
} from './index.ts';
import { suppressing } from './suppressing.fixture.ts';

const actor = { kind: 'system', id: '', address: '', requestId: '' } as const;
const trail = () => ({ actor, auditId: `aud_${randomUUID()}` });
const worker = 'worker-1';

/** What Tidings tells of itself, on every dialect. `open` gives an empty database with the schema in place. */
export function happeningsContract(dialect: string, open: () => Promise<Database>): void {
  describe(`happenings on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    let projectId: string;

    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      projectId = await store.ensureProject({ id: 'prj_1', key: 'default' });
      const input = { externalId: 'ada', email: 'ada@example.com' };
      await store.upsertRecipients([
        { ...trail(), action: 'recipients.upsert', projectId, id: 'rcp_ada', input },
      ]);
    });
    afterEach(() => database.close());

    const subscribe = (fields: Partial<SubscriptionRow> = {}) =>
      addSubscription(database, projectId, { types: ['message.*'], ofHappenings: true, ...fields });

    const events = () =>
      database.handle.select().from(database.tables.events).orderBy(asc(database.tables.events.id));
    /** What was told, in the order of its ids: the type, and the reason where there is one. */
    const told = async () =>
      (await events()).map(({ type, data: { reason } }) => (reason === null ? type : `${type}: ${reason}`));

    async function accepted(options: Partial<Parameters<typeof acceptItem>[0]> = {}): Promise<string> {
      const { notification, ...rest } = options;
      const one = acceptItem({
        projectId,
        notification: { recipientId: 'rcp_ada', ...notification },
        ...rest,
      });
      await store.accept([one]);
      return one.messages[0]?.id ?? '';
    }

    const claim = (id: string, decide?: Decide, leaseMs = 60_000) =>
      store.claim({ ids: [id], token: randomUUID(), owner: worker, leaseMs, decide });

    async function claimed(id: string, leaseMs?: number): Promise<MessageRow> {
      const [one] = (await claim(id, undefined, leaseMs)).claimed;
      if (one === undefined) throw new Error(`${id} could not be claimed`);
      return one.message;
    }

    const settlementOf = (message: MessageRow, verdict: Verdict): Settlement => ({
      messageId: message.id,
      token: message.leaseToken ?? '',
      attempt: message.attempt,
      generation: message.generation,
      worker,
      outcome: verdict.status === 'sent' ? 'sent' : 'transient',
      reason: null,
      provider: 'smtp',
      code: '250',
      response: 'about <ada@example.com>',
      verdict,
      suppressing,
    });
    const settle = (message: MessageRow, verdict: Verdict) => store.settle([settlementOf(message, verdict)]);

    const sent: Verdict = { status: 'sent' };
    const failed: Verdict = { status: 'failed', reason: 'rejected', countsFailure: true };
    const retry = (delayMs = 0): Verdict => ({
      status: 'retrying',
      reason: 'provider_transient',
      countsFailure: true,
      delayMs,
      park: false,
    });

    async function sentMessage(): Promise<string> {
      const id = await accepted();
      await settle(await claimed(id), sent);
      return id;
    }

    const record = (feedback: Feedback[]) =>
      store.recordFeedback({ projectId, source: 'sendgrid', feedback, ...suppressing });

    test('the event of a message says where it came from and what became of it, and no address, name or text', async () => {
      await subscribe();
      const id = await accepted({
        notification: {
          toName: 'Ada Lovelace',
          templateKey: 'welcome',
          category: 'news',
          content: { email: { subject: 'Dear Lovelace' } },
          data: { name: 'Lovelace' },
          metadata: { orderId: '1042' },
        },
        message: { address: 'ada@example.com' },
      });
      await settle(await claimed(id), failed);
      const message = (await store.getMessage(projectId, id))?.message;
      const [event, ...others] = await events();
      expect(others).toEqual([]);
      expect(event).toEqual({
        id: expect.stringMatching(/^evt_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/),
        projectId,
        externalId: null,
        source: 'tidings',
        requestHash: null,
        origin: 'tidings',
        type: 'message.failed',
        subject: 'rcp_ada',
        occurredAt: message?.endedAt,
        data: {
          messageId: id,
          notificationId: message?.notificationId,
          channel: 'email',
          status: 'failed',
          reason: 'rejected',
          template: 'welcome',
          category: 'news',
          recipientId: 'rcp_ada',
          metadata: { orderId: '1042' },
        },
        createdAt: expect.any(Number),
        fannedOutAt: null,
        payloadRemovedAt: null,
      });
      expect(idSchema('event').safeParse(event?.id).success).toBe(true);
      expect(JSON.stringify(event)).not.toMatch(/lovelace|ada@/i);
    });

    test.each<[string, Verdict, string[]]>([
      ['sent', sent, ['message.sent']],
      ['failed', failed, ['message.failed: rejected']],
      [
        'bounced',
        { status: 'bounced', reason: 'invalid_address', countsFailure: true },
        ['message.bounced: invalid_address'],
      ],
      [
        'unknown',
        { status: 'unknown', reason: 'ambiguous', countsFailure: false },
        ['message.unknown: ambiguous'],
      ],
      [
        'skipped',
        { status: 'skipped', reason: 'no_provider', countsFailure: false },
        ['message.skipped: no_provider'],
      ],
      ['expired instead of tried again', retry(99_000_000), ['message.expired: expired']],
      ['tried again', retry(), []],
    ])('a message that is %s', async (_, verdict, expected) => {
      await subscribe();
      await settle(await claimed(await accepted()), verdict);
      expect(await told()).toEqual(expected);
    });

    test('a message that would be tried again and is canceled or erased meanwhile', async () => {
      await subscribe();
      const canceled = await claimed(await accepted());
      await store.cancel(projectId, canceled.notificationId);
      const erased = await claimed(await accepted({ notification: { metadata: { who: 'Ada' } } }));
      await store.beginErasure(projectId, 'ada', { ...trail(), ...suppressing });
      while (await store.continueErasure('rcp_ada'));
      expect(await told()).toEqual([]);
      await settle(canceled, retry());
      await settle(erased, retry());
      expect((await told()).sort()).toEqual(['message.skipped: erased', 'message.skipped: erased']);
    });

    test.each<[string, Decide, string[]]>([
      ['is suppressed', () => ({ kind: 'suppress', reason: 'manual' }), ['message.suppressed: manual']],
      ['is not wanted', () => ({ kind: 'skip' }), ['message.skipped: opted_out']],
      [
        'would wait beyond its time',
        ({ now }) => ({ kind: 'wait', until: now + 99_000_000, reason: 'rate_limited' }),
        ['message.expired: expired'],
      ],
      ['waits', ({ now }) => ({ kind: 'wait', until: now + 1000, reason: 'rate_limited' }), []],
    ])('a message that %s when it is claimed', async (_, decide, expected) => {
      await subscribe();
      const [aside] = (await claim(await accepted(), decide)).aside;
      expect(aside).toBeDefined();
      expect(aside?.message).not.toHaveProperty('isTold');
      expect(await told()).toEqual(expected);
    });

    test('what ends while it waits: expired, canceled, skipped at accept, and lost with its worker', async () => {
      await subscribe();
      const expired = await accepted({ message: { expiresAt: 1 } });
      const lost = await accepted({ message: { onAmbiguous: 'hold' } });
      await claimed(lost, -1000);
      await store.endUnsendable([expired, lost]);
      const canceled = await accepted();
      const { notificationId = '' } = (await store.getMessage(projectId, canceled))?.message ?? {};
      for (let times = 0; times < 2; times += 1) await store.cancel(projectId, notificationId);
      await accepted({ message: { status: 'skipped', reason: 'no_address', address: null, place: null } });
      expect((await told()).sort()).toEqual([
        'message.canceled: canceled_by_request',
        'message.expired: expired',
        'message.skipped: no_address',
        'message.unknown: worker_lost',
      ]);
    });

    test('an erasure tells what it ends, and leaves of what was told before nothing about the person', async () => {
      await subscribe();
      const metadata = { who: 'Ada' };
      await settle(await claimed(await accepted({ notification: { metadata } })), failed);
      const direct = {
        notification: { recipientId: null, metadata },
        message: { address: 'Ada@example.com' },
      };
      await settle(await claimed(await accepted(direct)), failed);
      const waiting = await accepted({ notification: { metadata } });
      expect(JSON.stringify(await events()).match(/"Ada"/g)).toHaveLength(2);
      await store.beginErasure(projectId, 'ada', { ...trail(), ...suppressing });
      while (await store.continueErasure('rcp_ada'));
      const found = await events();
      expect(found.map(({ type, subject, data }) => [type, subject, data.messageId, data.reason])).toEqual([
        ['message.failed', null, undefined, undefined],
        ['message.failed', null, undefined, undefined],
        ['message.skipped', null, waiting, 'erased'],
      ]);
      expect(JSON.stringify(found)).not.toContain('"Ada"');
    });

    test('feedback tells of moves and facts, each once, when they happened', async () => {
      await subscribe();
      const id = await sentMessage();
      const feedback: Feedback[] = [
        { messageId: id, type: 'opened', eventId: 'e1', at: 3000 },
        { messageId: id, type: 'delivered', eventId: 'e2', at: 2000 },
        { messageId: id, type: 'clicked', eventId: 'e3', at: 4000 },
        { messageId: id, type: 'clicked', eventId: 'e4', at: 4000 },
        { messageId: id, type: 'complained', eventId: 'e5', at: 5000 },
        { messageId: id, type: 'unsubscribed', eventId: 'e6', at: 6000 },
      ];
      for (let times = 0; times < 2; times += 1) await record(feedback);
      await record([{ messageId: id, type: 'delivered', eventId: 'e7', at: 2500 }]);
      await record([{ messageId: id, type: 'bounced', eventId: 'e8', at: 7000 }]);
      const [first, ...others] = (await events()).map(({ type, occurredAt, data }) => [
        type,
        occurredAt,
        data.status,
      ]);
      expect(first?.[0]).toBe('message.sent');
      expect(others).toEqual([
        ['message.delivered', 2000, 'delivered'],
        ['message.opened', 3000, 'delivered'],
        ['message.clicked', 4000, 'delivered'],
        ['message.clicked', 4000, 'delivered'],
        ['message.complained', 5000, 'delivered'],
        ['recipient.unsubscribed', 6000, 'delivered'],
        ['message.bounced', 7000, 'bounced'],
      ]);
    });

    test('what was in doubt is sent on its way to delivered or bounced', async () => {
      await subscribe();
      const unknown: Verdict = { status: 'unknown', reason: 'ambiguous', countsFailure: false };
      for (const type of ['delivered', 'bounced'] as const) {
        const id = await accepted();
        await settle(await claimed(id), unknown);
        await record([{ messageId: id, type, at: 1000 }]);
      }
      expect(await told()).toEqual([
        'message.unknown: ambiguous',
        'message.sent',
        'message.delivered',
        'message.unknown: ambiguous',
        'message.sent',
        'message.bounced: invalid_address',
      ]);
    });

    test('a bounce and a delivery that take turns are told each time', async () => {
      await subscribe();
      const id = await sentMessage();
      for (const [type, at] of [
        ['bounced', 1000],
        ['delivered', 3000],
        ['bounced', 5000],
      ] as const) {
        await record([{ messageId: id, type, at }]);
      }
      expect((await events()).map(({ type }) => type)).toEqual([
        'message.sent',
        'message.bounced',
        'message.sent',
        'message.delivered',
        'message.bounced',
      ]);
    });

    test('who unsubscribes is told of once, with or without the message that had the link', async () => {
      await subscribe({ types: ['recipient.*'] });
      const key = await store.suppressionKeyOf(projectId, suppressing.newKey);
      const id = await accepted({ notification: { category: 'news', metadata: { orderId: '1042' } } });
      const click = (messageId: string, subject: { recipientId: string } | { addressHash: string }) => {
        const change = { id: `aud_${randomUUID()}`, projectId, action: 'unsubscribe.oneClick', target: '' };
        return store.unsubscribe({
          projectId,
          messageId,
          category: 'news',
          subject,
          newId: suppressing.newId,
          actor,
          change,
        });
      };
      for (let times = 0; times < 2; times += 1) await click(id, { recipientId: 'rcp_ada' });
      const bob = { addressHash: addressHash(key, 'email', 'bob@example.com') };
      for (let times = 0; times < 2; times += 1) await click('msg_gone', bob);
      const common = { channel: 'email', category: 'news', reason: null, template: null };
      const found = await events();
      expect(found.map(({ type, subject }) => [type, subject])).toEqual([
        ['recipient.unsubscribed', 'rcp_ada'],
        ['recipient.unsubscribed', null],
      ]);
      expect(found.map(({ data }) => data)).toEqual([
        {
          ...common,
          messageId: id,
          notificationId: id.replace('msg', 'ntf').slice(0, -1),
          status: 'queued',
          recipientId: 'rcp_ada',
          metadata: { orderId: '1042' },
        },
        {
          ...common,
          messageId: 'msg_gone',
          notificationId: null,
          status: null,
          recipientId: null,
          metadata: {},
        },
      ] satisfies JsonObject[]);
    });

    test('a late success after a failure, and each life after a replay, are told; what is fenced is not', async () => {
      await subscribe();
      const id = await accepted();
      const first = await claimed(id);
      const settlement = settlementOf(first, failed);
      for (let times = 0; times < 2; times += 1) await store.settle([settlement]);
      await store.replay([id]);
      await settle(await claimed(id), failed);
      const late = settlementOf(first, sent);
      for (let times = 0; times < 2; times += 1) await store.settle([late]);
      // Two commits of one millisecond have ids in no order.
      expect((await told()).toSorted()).toEqual([
        'message.failed: rejected',
        'message.failed: rejected',
        'message.sent',
      ]);
    });

    test('many in one commit are each told, whatever their number', async () => {
      await subscribe();
      const many = Array.from({ length: 31 }, () => acceptItem({ projectId, messages: 10 }));
      await store.accept(many);
      const ids = many.flatMap(({ messages }) => messages.map(({ id }) => id));
      const { claimed: all } = await store.claim({ ids, token: 'token', owner: worker, leaseMs: 60_000 });
      await store.settle(all.map(({ message }) => settlementOf(message, sent)));
      const found = (await events()).map(({ data }) => data.messageId);
      expect(found).toHaveLength(ids.length);
      expect(new Set(found)).toEqual(new Set(ids));
    });

    test.each<[string, Partial<SubscriptionRow> | undefined]>([
      ['there is no subscription', undefined],
      ['none asks for happenings', { types: ['order.*'], ofHappenings: false }],
      ['the one that did was removed', { removedAt: 1 }],
      ['only another project has one', { projectId: 'prj_2' }],
    ])('nothing is told while %s', async (_, subscription) => {
      await store.ensureProject({ id: 'prj_2', key: 'other' });
      if (subscription !== undefined) await subscribe(subscription);
      await tellEverything();
      expect((await events()).filter(({ origin }) => origin === 'tidings')).toEqual([]);
    });

    test('one that is paused or disabled asks too: it may recover what it missed', async () => {
      await subscribe({ status: 'disabled', reason: 'failing' });
      await sentMessage();
      expect(await told()).toEqual(['message.sent']);
    });

    async function tellEverything(): Promise<void> {
      const id = await sentMessage();
      await record([
        { messageId: id, type: 'delivered' },
        { messageId: id, type: 'opened' },
        { messageId: id, type: 'unsubscribed' },
      ]);
      await settle(await claimed(await accepted()), failed);
      await claim(await accepted(), () => ({ kind: 'skip' }));
      await store.endUnsendable([await accepted({ message: { expiresAt: 1 } })]);
      await accepted({ message: { status: 'skipped', reason: 'no_address', address: null, place: null } });
      const waiting = (await store.getMessage(projectId, await accepted()))?.message;
      await store.cancel(projectId, waiting?.notificationId ?? '');
      await accepted();
      await store.beginErasure(projectId, 'ada', { ...trail(), ...suppressing });
      while (await store.continueErasure('rcp_ada'));
      await disableOne();
    }

    /** Answers the id of a webhook whose endpoint says that it is gone. */
    async function disableOne(): Promise<string> {
      const kind = 'webhook';
      const settings = { kind, url: 'https://shop.example/', ordered: false } as const;
      const id = await addSubscription(database, projectId, { name: 'shop', kind, settings });
      const event = newEvent(projectId);
      await store.publish([event]);
      const { entries } = await store.fanOut({
        rooms: new Map([[id, 10]]),
        matches: (subscription, { type }) => subscription.id === id && type === event.type,
      });
      const ids = entries.map((entry) => entry.id);
      const token = randomUUID();
      await store.claimCopies({ ids, token, owner: worker, leaseMs: 60_000 });
      const reason = 'endpoint_gone';
      const verdict = { status: 'failed', reason, countsFailure: true, disables: true } as const;
      const common = { token, worker, outcome: 'rejected', reason, code: '410', response: null } as const;
      await store.settleCopies(ids.map((copyId) => ({ ...common, copyId, verdict })));
      return id;
    }

    test('a subscription that is disabled is told of, in the commit that disables it', async () => {
      await subscribe({ types: ['subscription.*'] });
      const id = await disableOne();
      expect((await events()).filter(({ origin }) => origin === 'tidings')).toMatchObject([
        {
          type: 'subscription.disabled',
          subject: id,
          data: { subscriptionId: id, name: 'shop', kind: 'webhook', reason: 'endpoint_gone' },
        },
      ]);
    });

    test('a move and its event are in one commit: when it fails there is neither, when it runs again there is one', async () => {
      await subscribe();
      const message = await claimed(await accepted());
      let failures = 1;
      const failing: Database = {
        ...database,
        commit: (steps) =>
          database.commit(function* (db) {
            const result = yield* steps(db);
            failures -= 1;
            if (failures >= 0) throw new Error('the commit fails');
            return result;
          }),
      };
      const settling = createStore(failing);
      await expect(settling.settle([settlementOf(message, sent)])).rejects.toThrow('the commit fails');
      const statusOf = async () =>
        (
          await database.handle
            .select({ status: database.tables.messages.status })
            .from(database.tables.messages)
            .where(eq(database.tables.messages.id, message.id))
        )[0]?.status;
      expect([await statusOf(), await told()]).toEqual(['sending', []]);
      await settling.settle([settlementOf(message, sent)]);
      expect([await statusOf(), await told()]).toEqual(['sent', ['message.sent']]);
    });
  });
}
