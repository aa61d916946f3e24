import { randomUUID } from 'node:crypto';
import { suppressedBy, type UpsertRecipientInput } from '@tidings/contracts';
import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acceptItem } from './accept-item.fixture.ts';
import {
  createStore,
  type Database,
  type Decide,
  type Settlement,
  type Store,
  type Verdict,
} from './index.ts';
import { suppressing } from './suppressing.fixture.ts';

const actor = { kind: 'system', id: '', address: '', requestId: '' } as const;
const trail = () => ({ actor, auditId: `aud_${randomUUID()}` });
const worker = 'worker-1';

/** What an erasure must do on every dialect. `open` gives an empty database with the schema in place. */
export function eraseContract(dialect: string, open: () => Promise<Database>): void {
  describe(`an erasure on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    let projectId: string;

    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      projectId = await store.ensureProject({ id: 'prj_1', key: 'default' });
    });
    afterEach(() => database.close());

    async function upsert(id: string, input: UpsertRecipientInput, project = projectId) {
      const change = { ...trail(), action: 'recipients.upsert', projectId: project, id, input };
      await store.upsertRecipients([change]);
    }

    const ada = { externalId: 'ada', name: 'Ada Lovelace', email: 'Ada@Secret.example' };

    async function addAda() {
      await upsert('rcp_ada', { ...ada, attributes: { note: 'Lovelace' } });
      const device = {
        id: 'dev_1',
        recipientId: 'rcp_ada',
        platform: 'fcm',
        token: 'secret-token',
        keys: null,
      };
      await store.registerDevice(projectId, device as never, trail());
    }

    /** Accepts a notification to Ada; answers the id of its message. */
    async function sendToAda(options: Partial<Parameters<typeof acceptItem>[0]> = {}) {
      const { notification, message, ...rest } = options;
      const one = acceptItem({
        projectId,
        notification: {
          recipientId: 'rcp_ada',
          toName: 'Ada Lovelace',
          content: { email: { subject: 'Dear Lovelace' } },
          emailParts: { headers: [{ name: 'X-Customer', value: 'Lovelace' }] },
          data: { name: 'Lovelace' },
          metadata: { who: 'Lovelace' },
          ...notification,
        },
        message: { address: 'Ada@Secret.example', ...message },
        ...rest,
      });
      await store.accept([one]);
      return one.messages[0]?.id ?? '';
    }

    const begin = (id: string) => store.beginErasure(projectId, id, { ...trail(), ...suppressing });

    async function finish(): Promise<number> {
      let steps = 1;
      while (await store.continueErasure('rcp_ada')) steps += 1;
      return steps;
    }

    async function wholeRecord(): Promise<string> {
      const all: unknown[] = [];
      for (const table of Object.values(database.tables))
        all.push(await database.handle.select().from(table));
      return JSON.stringify(all);
    }

    const letTimePass = () => database.handle.update(database.tables.erasures).set({ dueAt: 0 }).returning();

    async function messageOf(id: string) {
      const found = await store.getMessage(projectId, id);
      if (found === undefined) throw new Error(`no message ${id}`);
      return found;
    }

    async function claimed(id: string) {
      const {
        claimed: [one],
      } = await store.claim({ ids: [id], token: randomUUID(), owner: worker, leaseMs: 60_000 });
      if (one === undefined) throw new Error(`${id} could not be claimed`);
      return one.message;
    }

    async function settle(message: Awaited<ReturnType<typeof claimed>>, verdict: Verdict) {
      const settlement: Settlement = {
        messageId: message.id,
        token: message.leaseToken ?? '',
        attempt: message.attempt,
        generation: message.generation,
        worker,
        outcome: verdict.status === 'sent' ? 'sent' : 'transient',
        reason: null,
        provider: 'smtp',
        code: null,
        response: 'about <Ada@Secret.example>',
        verdict,
        suppressing,
      };
      return (await store.settle([settlement]))[0]?.status;
    }
    const retrying: Verdict = {
      status: 'retrying',
      reason: 'provider_transient',
      countsFailure: true,
      delayMs: 10,
      park: false,
    };

    test('nothing of the person is left in any table: own notifications, those to the address, answers of providers', async () => {
      await addAda();
      const sent = await sendToAda();
      await settle(await claimed(sent), { status: 'sent' });
      const waiting = await sendToAda();
      const direct = await sendToAda({
        notification: { recipientId: null },
        message: { address: 'ada@secret.EXAMPLE' },
      });
      await sendToAda({
        notification: { recipientId: null },
        message: { channel: 'push', platform: 'fcm', address: 'secret-token' },
      });
      expect(await wholeRecord()).toMatch(/secret/i);
      expect(await begin('ada')).toMatchObject({ recipientId: 'rcp_ada', complete: false });
      await finish();
      const left = await wholeRecord();
      for (const trace of [/secret/i, /lovelace/i, /"ada"/]) expect(left).not.toMatch(trace);
      expect((await messageOf(sent)).message).toMatchObject({ status: 'sent', address: null });
      for (const id of [waiting, direct]) {
        expect((await messageOf(id)).message).toMatchObject({
          status: 'skipped',
          reason: 'erased',
          place: null,
        });
        expect((await messageOf(id)).payloadRemovedAt).not.toBeNull();
      }
    });

    test('what was suppressed stays so, by its hash alone: no address, and no word beside it', async () => {
      await addAda();
      await sendToAda({ message: { address: 'before@secret.example' } });
      const suppressed = [
        { channel: 'email', address: ada.email, reason: 'complaint', note: 'said Lovelace' },
        { channel: 'email', address: 'before@secret.example', reason: 'hard_bounce' },
        { channel: 'email', address: ada.email, category: 'news', reason: 'unsubscribed' },
        { channel: 'push', address: 'secret-token', reason: 'manual' },
        { channel: 'email', address: 'bob@example.com', reason: 'manual', note: 'kept' },
      ] as const;
      const change = { id: 'aud_add', projectId, action: 'suppressions.import', target: projectId };
      await store.addSuppressions(projectId, suppressed, { ...suppressing, actor: trail().actor, change });
      await begin('ada');
      await finish();
      expect(await wholeRecord()).not.toMatch(/secret|lovelace/i);
      const found = await store.listSuppressions(projectId, { limit: 9 });
      expect(found.map(({ address, reason, note }) => [address, reason, note]).sort()).toEqual(
        [
          ['bob@example.com', 'manual', 'kept'],
          [null, 'complaint', null],
          [null, 'hard_bounce', null],
          [null, 'manual', null],
          [null, 'unsubscribed', null],
        ].sort(),
      );
      const [again] = await store.listSuppressions(projectId, {
        limit: 1,
        address: 'ADA@secret.example',
        reason: 'complaint',
      });
      expect(again).toMatchObject({ address: null, reason: 'complaint' });
      const id = await sendToAda({ notification: { recipientId: null } });
      const decide: Decide = ({ suppressed: reasons }) => {
        const reason = suppressedBy(reasons, false);
        return reason === undefined ? { kind: 'send' } : { kind: 'suppress', reason };
      };
      await store.claim({ ids: [id], token: 'late', owner: worker, leaseMs: 60_000, decide });
      expect((await messageOf(id)).message).toMatchObject({ status: 'suppressed', reason: 'complaint' });
    });

    test('what bounces while the person is erased is on the list without its address', async () => {
      await addAda();
      const inHand = await claimed(await sendToAda());
      await begin('ada');
      await settle(inHand, { status: 'bounced', reason: 'invalid_address', countsFailure: true });
      expect(await wholeRecord()).toMatch(/secret/i);
      await finish();
      expect(await wholeRecord()).not.toMatch(/secret/i);
      const found = await store.listSuppressions(projectId, { limit: 9, address: ada.email });
      expect(found).toMatchObject([{ address: null, reason: 'hard_bounce' }]);
    });

    test('an address and a device that the person had before are forgotten too', async () => {
      await addAda();
      const before = 'before@secret.example';
      await sendToAda({ message: { address: before } });
      await sendToAda({ message: { channel: 'push', platform: 'fcm', address: 'token-before' } });
      const toNobody = { notification: { recipientId: null } };
      await sendToAda({ ...toNobody, message: { address: before } });
      await sendToAda({
        ...toNobody,
        message: { channel: 'push', platform: 'fcm', address: 'token-before' },
      });
      await upsert('rcp_none', { externalId: 'ada', email: null });
      await begin('ada');
      await finish();
      expect(await wholeRecord()).not.toMatch(/secret|token-before/i);
    });

    test('of claims at the same time none gets a message without its address, or one that was ended', async () => {
      await addAda();
      const ids = await Promise.all(Array.from({ length: 40 }, () => sendToAda()));
      await begin('ada');
      const claims = ids.map((id) => store.claim({ ids: [id], token: id, owner: worker, leaseMs: 60_000 }));
      const [results] = await Promise.all([Promise.all(claims), finish()]);
      const got = results.flatMap(({ claimed }) => claimed.map(({ message }) => message));
      for (const message of got) expect(message.address).toBe('Ada@Secret.example');
      const taken = new Set(got.map(({ id }) => id));
      for (const id of ids) {
        const { message } = await messageOf(id);
        const status = taken.has(id) ? 'sending' : 'skipped';
        expect(message).toMatchObject({ id, status, address: null });
        expect(message.cancelRequestedAt === null).toBe(!taken.has(id));
      }
    });

    test('what comes back at the same time to be retried ends as erased, every one of it', async () => {
      await addAda();
      const inHand = [];
      for (let index = 0; index < 40; index += 1) inHand.push(await claimed(await sendToAda()));
      await begin('ada');
      const settlements = inHand.map((message) => settle(message, retrying));
      await Promise.all([finish(), ...settlements]);
      for (const { id } of inHand) {
        const { message, attempts } = await messageOf(id);
        expect(message).toMatchObject({ status: 'skipped', reason: 'erased', address: null, place: null });
        expect(attempts.map(({ response }) => response)).toEqual([null]);
      }
    });

    test('others keep theirs: other recipients, other addresses, and the same address in another project', async () => {
      await addAda();
      const other = await store.ensureProject({ id: 'prj_2', key: 'other' });
      await upsert('rcp_bob', { externalId: 'bob', email: ada.email });
      await upsert('rcp_ada2', ada, other);
      const ids = [
        await sendToAda({ notification: { recipientId: 'rcp_bob' } }),
        await sendToAda({ notification: { recipientId: null }, message: { address: 'bob@secret.example' } }),
      ];
      const elsewhere = acceptItem({ projectId: other, message: { address: ada.email } });
      await store.accept([elsewhere]);
      const before = await Promise.all(ids.map(messageOf));
      await begin('ada');
      await finish();
      expect(await Promise.all(ids.map(messageOf))).toEqual(before);
      const theirs = await store.getMessage(other, elsewhere.messages[0]?.id ?? '');
      expect(theirs?.message).toMatchObject({ status: 'queued', address: ada.email });
      expect((await store.findRecipient(projectId, 'bob'))?.recipient.email).toBe(ada.email);
      expect((await store.findRecipient(other, 'ada'))?.recipient.email).toBe(ada.email);
    });

    test("an address or a device that is somebody else's by now keeps what it was sent directly", async () => {
      await addAda();
      const before = { notification: { recipientId: 'rcp_ada' }, message: { address: 'old@shared.example' } };
      await sendToAda(before);
      await sendToAda({ message: { channel: 'push', platform: 'fcm', address: 'handed-on' } });
      await upsert('rcp_bob', { externalId: 'bob', email: 'Old@Shared.example' });
      const device = { id: 'dev_2', recipientId: 'rcp_bob', platform: 'fcm', token: 'handed-on', keys: null };
      await store.registerDevice(projectId, device as never, trail());
      const toBob = [
        await sendToAda({
          notification: { recipientId: null },
          message: { address: 'old@shared.example' },
        }),
        await sendToAda({
          notification: { recipientId: null },
          message: { channel: 'push', platform: 'fcm', address: 'handed-on' },
        }),
      ];
      const as = await Promise.all(toBob.map(messageOf));
      await begin('ada');
      await finish();
      expect(await Promise.all(toBob.map(messageOf))).toEqual(as);
    });

    test('what a provider answers to a lease that was lost is not kept of who was erased', async () => {
      await addAda();
      for (const verdict of [retrying, { status: 'sent' } as const]) {
        const id = await sendToAda({ notification: { recipientId: 'rcp_bob' } });
        const mine = await claimed(id);
        const { messages } = database.tables;
        await database.handle
          .update(messages)
          .set({ address: null, status: 'delivered', place: null, leaseToken: null, endedAt: 1 })
          .where(eq(messages.id, id))
          .returning();
        expect(await settle(mine, verdict)).toBe('fenced');
        expect((await messageOf(id)).attempts).toMatchObject([{ response: null }]);
      }
    });

    test('a tombstone stays, is not found, and leaves its external id to somebody new', async () => {
      await addAda();
      await begin('ada');
      for (const id of ['ada', 'rcp_ada']) expect(await store.findRecipient(projectId, id)).toBeUndefined();
      expect(await begin('ada')).toBeUndefined();
      expect(await begin('rcp_ada')).toMatchObject({ recipientId: 'rcp_ada', complete: false });
      await finish();
      expect(await begin('rcp_ada')).toMatchObject({ complete: true });
      await upsert('rcp_new', ada);
      expect((await store.findRecipient(projectId, 'ada'))?.recipient).toMatchObject({
        id: 'rcp_new',
        erasedAt: null,
      });
      const trace = await database.handle.select().from(database.tables.suppressions);
      expect(trace.map(({ channel, address, reason }) => [channel, address, reason]).sort()).toEqual([
        ['email', null, 'erased'],
        ['push', null, 'erased'],
      ]);
      for (const { addressHash } of trace) expect(addressHash).toMatch(/^[0-9a-f]{64}$/);
    });

    test('the trail names our id only', async () => {
      await addAda();
      await begin('ada');
      const [row] = await store.listAudit(projectId, { action: 'recipients.erase', limit: 5 });
      expect(row).toMatchObject({ target: 'rcp_ada', fields: [] });
    });

    test('it goes in bounded commits, and whoever finds it left in its middle finishes it', async () => {
      await addAda();
      for (let index = 0; index < 120; index += 1) await sendToAda();
      await begin('ada');
      expect(await store.continueErasure('rcp_ada')).toBe(true);
      expect(await wholeRecord()).toMatch(/lovelace/i);
      expect(await store.dueErasures(10)).toEqual([]);
      await letTimePass();
      expect(await store.dueErasures(10)).toEqual(['rcp_ada']);
      expect(await finish()).toBeGreaterThan(2);
      expect(await wholeRecord()).not.toMatch(/lovelace|secret/i);
    });

    test('what was under way meanwhile is found a while later, not before, and then it is over', async () => {
      await addAda();
      await begin('ada');
      await finish();
      await sendToAda();
      const device = {
        id: 'dev_2',
        recipientId: 'rcp_ada',
        platform: 'fcm',
        token: 'late-token',
        keys: null,
      };
      await store.registerDevice(projectId, device as never, trail());
      expect(await store.continueErasure('rcp_ada')).toBe(false);
      expect(await wholeRecord()).toMatch(/lovelace/i);
      await letTimePass();
      await finish();
      expect(await wholeRecord()).not.toMatch(/lovelace|secret|late-token/i);
      expect(await store.dueErasures(10)).toEqual([]);
      expect(await database.handle.select().from(database.tables.erasures)).toEqual([]);
    });

    test.each([
      ['would be retried', retrying, 'skipped', 'erased'],
      [
        'is over without a delivery',
        { status: 'failed', reason: 'rejected', countsFailure: true },
        'failed',
        'rejected',
      ],
      ['was delivered', { status: 'sent' }, 'sent', null],
    ] as Array<[string, Verdict, string, string | null]>)(
      'what is being sent meanwhile and %s ends as that, and no answer is kept',
      async (_, verdict, status, reason) => {
        await addAda();
        const id = await sendToAda();
        const inHand = await claimed(id);
        await begin('ada');
        await finish();
        expect((await messageOf(id)).message).toMatchObject({ status: 'sending', address: null });
        expect(await settle(inHand, verdict)).toBe(status);
        const { message, attempts } = await messageOf(id);
        expect(message).toMatchObject({ status, reason, place: null });
        expect(attempts.map(({ response }) => response)).toEqual([null]);
        expect(await store.replay([id])).toEqual([]);
      },
    );
  });
}
