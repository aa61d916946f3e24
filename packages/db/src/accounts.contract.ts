import type { Role } from '@tidings/contracts';
import { eq, sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Actor, Change, Database, Store } from './index.ts';
import { createStore } from './index.ts';

const actor: Actor = { kind: 'system', id: '', address: '127.0.0.1', requestId: 'req' };
const dayMs = 86_400_000;

/** What every dialect's store must do for accounts, their sessions and invitations. */
export function accountsContract(dialect: string, open: () => Promise<Database>): void {
  describe(`accounts on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    let made: number;

    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      made = 0;
    });
    afterEach(() => database.close());

    const change = (action: string, target = 'x'): Change => {
      made += 1;
      return { id: `aud_${String(made).padStart(6, '0')}`, projectId: null, action, target };
    };
    const actions = async () => (await store.listAudit(null, { limit: 100 })).map(({ action }) => action);

    async function account(id: string, role: Role = 'owner') {
      const row = await store.createAccount(
        actor,
        { id, email: `${id}@example.com`, name: null, role, passwordHash: `hash of ${id}` },
        change('create', id),
      );
      if (row === undefined) throw new Error(`${id} is taken`);
      return row;
    }
    const session = (id: string, accountId: string, passwordHash = `hash of ${accountId}`) =>
      store.openSession(
        actor,
        {
          id,
          accountId,
          familyHash: 'family',
          refreshHash: 'one',
          address: '',
          userAgent: null,
          passwordHash,
          lifetimeMs: dayMs,
        },
        change('login', id),
      );
    const rotate = (shownHash: string, nextHash: string, graceMs = 30_000, familyHash = 'family') =>
      store.rotateSession(
        actor,
        { id: 's', familyHash, shownHash, nextHash, lifetimeMs: dayMs, graceMs },
        change('reused', 's'),
      );
    const demote = (id: string) =>
      store.updateAccount(actor, { id, changes: { role: 'viewer' } }, change('update', id));
    const disable = (id: string, disabled = true) =>
      store.updateAccount(actor, { id, changes: { disabled } }, change('update', id));

    test('an address has one account, and only what was made is on record', async () => {
      await account('a');
      const again = await store.createAccount(
        actor,
        { id: 'b', email: 'a@example.com', name: null, role: 'owner', passwordHash: 'x' },
        change('create again'),
      );
      expect(again).toBeUndefined();
      expect(await store.findAccountByEmail('a@example.com')).toMatchObject({ id: 'a' });
      expect(await actions()).toEqual(['create']);
    });

    test('the last owner stays one, however two changes meet', async () => {
      for (const [one, other] of [
        [demote, demote],
        [disable, disable],
        [demote, disable],
      ]) {
        for (let round = 0; round < 5; round += 1) {
          const [a, b] = [`a${made}`, `b${made}`];
          await account(a);
          await account(b);
          const results = await Promise.all([one?.(a), other?.(b)]);
          expect(results.filter((row) => row !== undefined)).toHaveLength(1);
          const owners = (await store.listAccounts({ limit: 100 })).filter(
            ({ role, disabledAt }) => role === 'owner' && disabledAt === null,
          );
          expect(owners).toHaveLength(1);
          await database.handle
            .update(database.tables.accounts)
            .set({ role: 'viewer' })
            .returning({ id: database.tables.accounts.id });
        }
      }
    });

    test('an owner who cannot log in is none to rely on, and may be demoted', async () => {
      await account('a');
      await account('b');
      expect(await disable('b')).toMatchObject({ role: 'owner' });
      expect(await demote('a')).toBeUndefined();
      expect(await demote('b')).toMatchObject({ role: 'viewer' });
    });

    /** Acts with a session of this account, which is named like it. */
    const as = (id: string): Actor => ({ ...actor, kind: 'account', id, sessionId: `session of ${id}` });
    const login = (id: string) => session(`session of ${id}`, id);

    test('what somebody may change follows from the role of that moment', async () => {
      for (const [id, role] of [
        ['a', 'owner'],
        ['b', 'admin'],
        ['c', 'member'],
      ] as const) {
        await account(id, role);
        await login(id);
      }
      const give = (by: string, id: string, role: Role) =>
        store.updateAccount(as(by), { id, changes: { role } }, change('update', id));
      expect(await give('b', 'a', 'viewer')).toBe('forbidden');
      expect(await give('b', 'c', 'admin')).toBe('forbidden');
      expect(await give('c', 'c', 'member')).toBe('forbidden');
      expect(await give('b', 'c', 'viewer')).toMatchObject({ role: 'viewer' });
      expect(await give('a', 'b', 'member')).toMatchObject({ role: 'member' });
      expect(await give('b', 'c', 'member')).toBe('forbidden');
      await store.revokeSession(actor, { id: 'session of a', accountId: 'a' }, change('revoke'));
      expect(await give('a', 'c', 'member')).toBe('logged_out');
      expect((await actions()).filter((action) => action === 'update')).toHaveLength(2);
    });

    test('of two who take each other’s rights away at once one does', async () => {
      for (let round = 0; round < 5; round += 1) {
        const [a, b] = [`a${made}`, `b${made}`];
        for (const id of [a, b, `c${made}`]) await account(id);
        for (const id of [a, b]) await login(id);
        const results = await Promise.all([
          store.updateAccount(as(a), { id: b, changes: { role: 'viewer' } }, change('update')),
          store.updateAccount(as(b), { id: a, changes: { disabled: true } }, change('update')),
        ]);
        expect(results.filter((result) => typeof result === 'object')).toHaveLength(1);
        expect(results.filter((result) => result === 'forbidden' || result === 'logged_out')).toHaveLength(1);
      }
    });

    test('a session is live until it is ended, its account disabled, or its time is over', async () => {
      await account('a');
      await account('b', 'viewer');
      await session('s', 'b');
      expect(await store.findLiveSession('s')).toMatchObject({ account: { id: 'b' } });
      expect(await store.findAccount('b')).toMatchObject({ lastLoginAt: expect.any(Number) });
      await disable('b');
      expect(await store.findLiveSession('s')).toBeUndefined();
      await disable('b', false);
      expect(await store.findLiveSession('s')).toBeUndefined();
      await session('t', 'b');
      await session('u', 'b');
      expect((await store.listSessions('b')).map(({ id }) => id)).toEqual(['u', 't']);
      const other = await store.revokeSession(actor, { id: 't', accountId: 'a' }, change('revoke'));
      expect(other).toBeUndefined();
      expect(await store.revokeSession(actor, { id: 't', accountId: 'b' }, change('revoke'))).toMatchObject({
        id: 't',
      });
      const { sessions } = database.tables;
      await database.handle
        .update(sessions)
        .set({ expiresAt: sql`${database.now} - 1` })
        .where(eq(sessions.id, 'u'))
        .returning({ id: sessions.id });
      expect(await store.listSessions('b')).toEqual([]);
      expect(await store.findLiveSession('u')).toBeUndefined();
      expect((await actions()).filter((action) => action === 'revoke')).toHaveLength(1);
    });

    test('nobody logs in with a password that was changed or disabled in the meantime', async () => {
      await account('a');
      await account('b', 'viewer');
      expect(await session('s', 'b', 'hash of another')).toBeUndefined();
      await disable('b');
      expect(await session('s', 'b')).toBeUndefined();
      expect(await store.findLiveSession('s')).toBeUndefined();
    });

    test('a refresh secret is replaced; the one before is good for a while, then ends the session', async () => {
      await account('a');
      await session('s', 'a');
      expect(await rotate('one', 'x', 30_000, 'of another')).toBe('unknown');
      expect(await rotate('one', 'two')).toBe('rotated');
      expect(await rotate('one', 'three')).toBe('recent');
      expect(await rotate('two', 'three')).toBe('rotated');
      expect(await store.findLiveSession('s')).toBeDefined();
      expect(await rotate('two', 'x', -1)).toBe('reused');
      expect(await store.findLiveSession('s')).toBeUndefined();
      expect(await rotate('three', 'x')).toBe('unknown');
      expect((await actions()).filter((action) => action === 'reused')).toHaveLength(1);
    });

    test('any older secret ends the session, however often it was replaced and however soon', async () => {
      await account('a');
      await session('s', 'a');
      for (const [shown, next] of [
        ['one', 'two'],
        ['two', 'three'],
        ['three', 'four'],
      ] as const)
        expect(await rotate(shown, next)).toBe('rotated');
      expect(await rotate('one', 'x')).toBe('reused');
      expect(await rotate('four', 'x')).toBe('unknown');
      expect((await actions()).filter((action) => action === 'reused')).toHaveLength(1);
    });

    test('of many refreshes at once one replaces the secret, and the others are a moment late', async () => {
      await account('a');
      await session('s', 'a');
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, index) => rotate('one', `new ${index}`)),
      );
      expect(results.toSorted()).toEqual([...Array(7).fill('recent'), 'rotated']);
    });

    test('a new password takes the place of the one that was checked, and ends the other sessions', async () => {
      await account('a');
      for (const id of ['s', 't', 'u']) await session(id, 'a');
      const to = (from: string) =>
        store.changePassword(
          actor,
          {
            accountId: 'a',
            from,
            to: 'new hash',
            keep: { id: 't', familyHash: 'new family', refreshHash: 'new secret' },
          },
          change('password'),
        );
      expect(await to('some other')).toBeUndefined();
      expect(await to('hash of a')).toBe(2);
      expect(await to('hash of a')).toBeUndefined();
      expect(await store.listSessions('a')).toMatchObject([
        { id: 't', familyHash: 'new family', refreshHash: 'new secret', previousHash: null },
      ]);
      expect((await actions()).filter((action) => action === 'password')).toHaveLength(1);
    });

    const invite = (id: string, invitedBy: string, role: Role = 'viewer', lifetimeMs = dayMs, by = actor) =>
      store.createInvitation(
        by,
        { id, email: 'guest@example.com', role, secretHash: `secret of ${id}`, invitedBy, lifetimeMs },
        { made: change('invite', id), ended: (earlier) => change('end', earlier) },
      );
    const accept = (id: string, accountId: string, secretHash = `secret of ${id}`) =>
      store.acceptInvitation(
        actor,
        { id, secretHash, account: { id: accountId, name: 'Guest', passwordHash: 'hash' } },
        change('accept', id),
      );

    test('an invitation makes one account, however often it is accepted at once', async () => {
      await account('a');
      await invite('i', 'a', 'admin');
      expect(await accept('i', 'g', 'wrong')).toBeUndefined();
      const results = await Promise.all([accept('i', 'g1'), accept('i', 'g2'), accept('i', 'g3')]);
      const accounts = results.filter((row) => row !== undefined);
      expect(accounts).toMatchObject([{ email: 'guest@example.com', role: 'admin', name: 'Guest' }]);
      expect((await actions()).filter((action) => action === 'accept')).toHaveLength(1);
      expect(await invite('j', 'a')).toBeUndefined();
    });

    test('an invitation that is over makes none: expired, revoked, or followed by another', async () => {
      await account('a');
      await invite('i', 'a', 'viewer', -1);
      expect(await accept('i', 'g')).toBeUndefined();
      await invite('j', 'a');
      await invite('k', 'a');
      expect(await accept('j', 'g')).toBeUndefined();
      const revoke = (ofRoles: Role[]) =>
        store.revokeInvitation(actor, { id: 'k', ofRoles }, change('revoke', 'k'));
      expect(await revoke(['owner'])).toBeUndefined();
      expect(await revoke(['viewer'])).toMatchObject({ id: 'k' });
      expect(await revoke(['viewer'])).toBeUndefined();
      expect(await accept('k', 'g')).toBeUndefined();
      expect((await store.listInvitations({ limit: 2 })).map(({ id }) => id)).toEqual(['k', 'j', 'i']);
      expect((await store.listInvitations({ limit: 5, before: 'i' })).map(({ id }) => id)).toEqual([
        'j',
        'k',
      ]);
    });

    test('an open invitation ends by another only if whoever makes that one may end it', async () => {
      await account('a');
      await account('b', 'admin');
      await login('b');
      await invite('i', 'a', 'admin');
      expect(await invite('j', 'b', 'viewer', dayMs, as('b'))).toBe('forbidden');
      expect(await store.findOpenInvitation({ id: 'i', secretHash: 'secret of i' })).toBeDefined();
      expect((await store.listInvitations({ limit: 5 })).map(({ id }) => id)).toEqual(['i']);
      expect(await invite('k', 'a', 'viewer')).toMatchObject({ id: 'k' });
      expect(await invite('l', 'b', 'viewer', dayMs, as('b'))).toMatchObject({ id: 'l' });
      const ended = await store.listAudit(null, { action: 'end', limit: 5 });
      expect(ended.map(({ target, actorId }) => [target, actorId])).toEqual([
        ['k', 'b'],
        ['i', ''],
      ]);
    });

    test('an expired invitation is in nobody’s way, and is not ended once more', async () => {
      await account('a');
      await account('b', 'admin');
      await login('b');
      await invite('i', 'a', 'owner', -1);
      expect(await invite('j', 'b', 'viewer', dayMs, as('b'))).toMatchObject({ id: 'j' });
      expect(await actions()).not.toContain('end');
    });

    test('of several invitations of an address at once one stays open', async () => {
      await account('a');
      for (let round = 0; round < 3; round += 1) {
        const ids = Array.from({ length: 6 }, (_, index) => `i${round}${index}`);
        const results = await Promise.all(ids.map((id) => invite(id, 'a')));
        expect(results).toMatchObject(ids.map((id) => ({ id })));
        const all = await store.listInvitations({ limit: 50 });
        expect(all.filter(({ revokedAt }) => revokedAt === null)).toHaveLength(1);
      }
      expect((await actions()).filter((action) => action === 'end')).toHaveLength(17);
    });

    test('an invitation is as good as whoever made it still is', async () => {
      await account('a');
      await account('b', 'owner');
      await invite('i', 'b', 'admin');
      const opened = { id: 'i', secretHash: 'secret of i' };
      expect(await store.findOpenInvitation(opened)).toMatchObject({ id: 'i' });
      await demote('b');
      expect(await store.findOpenInvitation(opened)).toBeUndefined();
      expect(await accept('i', 'g')).toBeUndefined();
    });

    test('what ended long ago is removed a batch at a time, and nothing else', async () => {
      await account('a');
      for (const id of ['s', 't', 'u']) await session(id, 'a');
      await invite('i', 'a', 'viewer', -2 * dayMs);
      await invite('j', 'a');
      const { sessions } = database.tables;
      await database.handle
        .update(sessions)
        .set({ expiresAt: sql`${database.now} - ${2 * dayMs}` })
        .where(sql`${sessions.id} <> 'u'`)
        .returning({ id: sessions.id });
      const remove = () => store.removeEndedLogins({ keepMs: dayMs, limit: 1 });
      expect([await remove(), await remove(), await remove()]).toEqual([2, 1, 0]);
      expect((await store.listSessions('a')).map(({ id }) => id)).toEqual(['u']);
      expect((await store.listInvitations({ limit: 5 })).map(({ id }) => id)).toEqual(['j']);
    });
  });
}
