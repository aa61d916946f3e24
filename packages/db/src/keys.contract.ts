import type { Scope } from '@tidings/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../test/support/until.ts';
import type { Actor, Database, Store } from './index.ts';
import { createStore } from './index.ts';

const actor: Actor = { kind: 'system', id: 'acc_1', address: '192.0.2.7', requestId: 'request' };
const hourMs = 3_600_000;
const retention = {
  notificationsDays: 90,
  payloadsDays: 30,
  attemptsDays: 90,
  idempotencyKeysDays: 7,
  auditDays: null,
  eventsDays: 30,
};

/** What every dialect's store must do with projects, API keys and the audit trail. */
export function keysContract(dialect: string, open: () => Promise<Database>): void {
  describe(`projects, keys and the audit trail on ${dialect}`, () => {
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

    const nextId = (prefix: string) => {
      made += 1;
      return `${prefix}${String(made).padStart(8, '0')}`;
    };
    const addKey = async (
      key: { id?: string; projectId?: string; scopes?: Scope[]; expiresAt?: number | null } = {},
      by = actor,
    ) => {
      const id = nextId('key');
      const made = await store.createApiKey(by, {
        auditId: nextId('aud_'),
        key: { id, projectId, name: 'a key', secretHash: 'hash', scopes: ['send'], expiresAt: null, ...key },
      });
      if (typeof made === 'string') throw new Error(made);
      return made;
    };
    const rotate = async (id: string, overlapMs: number, expiresAt: number | null = null, by = actor) => {
      const made = await store.rotateApiKey(by, {
        auditId: nextId('aud_'),
        successorAuditId: nextId('aud_'),
        projectId,
        id,
        overlapMs,
        successor: { id: nextId('key'), secretHash: 'other', expiresAt },
      });
      if (typeof made === 'string') throw new Error(made);
      return made;
    };
    const revoke = (id: string) => store.revokeApiKey(actor, { auditId: nextId('aud_'), projectId, id });
    const addProject = (key: string) =>
      store.createProject(actor, {
        auditId: nextId('aud_'),
        project: {
          id: nextId('prj_'),
          key,
          name: 'A project',
          defaultLocale: 'fr',
          timezone: 'UTC',
          retention,
        },
        first: {
          parts: [{ kind: 'layout', key: 'main', source: { html: '{% content %}' } }],
          templates: [
            {
              id: nextId('tpl_'),
              key: 'hello',
              category: null,
              onAmbiguous: 'hold',
              schema: {},
              source: { content: {} },
              content: {},
            },
          ],
        },
      });

    describe('keys', () => {
      test('a key is found until it expires, with the time that it has left', async () => {
        const lasting = await addKey();
        const passing = await addKey({ expiresAt: Date.now() + hourMs });
        const past = await addKey({ expiresAt: Date.now() - 1 });
        expect(await store.findApiKey(lasting.id)).toMatchObject({ id: lasting.id, remainingMs: null });
        const { remainingMs } = (await store.findApiKey(passing.id)) ?? {};
        expect(remainingMs).toBeGreaterThan(hourMs - 60_000);
        expect(remainingMs).toBeLessThanOrEqual(hourMs);
        expect(await store.findApiKey(past.id)).toBeUndefined();
      });

      test('a rotated key stays good for the overlap, and no longer than it would have been', async () => {
        const [lasting, passing] = [await addKey(), await addKey({ expiresAt: Date.now() + 60_000 })];
        const successor = await rotate(lasting.id, hourMs);
        expect(successor).toMatchObject({ name: 'a key', scopes: ['send'], createdBy: 'acc_1' });
        const old = await store.findApiKey(lasting.id);
        expect(old?.rotatedTo).toBe(successor?.id);
        expect(old?.remainingMs).toBeGreaterThan(hourMs - 60_000);
        await rotate(passing.id, hourMs, passing.expiresAt);
        expect((await store.getApiKey(projectId, passing.id))?.expiresAt).toBe(passing.expiresAt);
      });

      test('both ends of a rotation are on record: that of the old key, and the making of its successor', async () => {
        const { id } = await addKey();
        const successor = await rotate(id, 0);
        const trail = await store.listAudit(projectId, { limit: 3 });
        expect(trail.map(({ action, target }) => [action, target])).toEqual([
          ['apiKeys.create', successor?.id],
          ['apiKeys.rotate', id],
          ['apiKeys.create', id],
        ]);
      });

      test('without an overlap the old key is over at once', async () => {
        const old = await addKey();
        const successor = await rotate(old.id, 0);
        expect(await store.findApiKey(old.id)).toBeUndefined();
        expect(await store.findApiKey(successor?.id ?? '')).toBeDefined();
      });

      test('of several rotations at once one wins, and the others make no key', async () => {
        const { id } = await addKey();
        const results = await Promise.all(Array.from({ length: 5 }, () => rotate(id, hourMs)));
        expect(results.filter((result) => result !== undefined)).toHaveLength(1);
        expect(await store.listApiKeys(projectId, { limit: 10 })).toHaveLength(2);
        expect(await store.listAudit(projectId, { limit: 10, action: 'apiKeys.rotate' })).toHaveLength(1);
      });

      test('whoever makes or rotates one may do so at that moment: a key that is good and has the scopes', async () => {
        const [strong, weak] = [await addKey({ scopes: ['manage', 'send'] }), await addKey()];
        const by = ({ id }: { id: string }): Actor => ({ ...actor, kind: 'key', id });
        await expect(addKey({}, by(weak))).rejects.toThrow('forbidden');
        await expect(rotate(strong.id, 0, null, by(weak))).rejects.toThrow('forbidden');
        await expect(addKey({ scopes: ['read'] }, by(strong))).rejects.toThrow('forbidden');
        expect(await addKey({}, by(strong))).toMatchObject({ createdBy: strong.id });
        const token = { id: nextId('aud_'), projectId, action: 'token', target: 'x' };
        expect(await store.noteCredential(by(weak), 'manage', token)).toBe('forbidden');
        expect(await store.noteCredential(by(strong), 'manage', token)).toMatchObject({ remainingMs: null });
        await revoke(strong.id);
        await expect(addKey({}, by(strong))).rejects.toThrow('logged_out');
        await expect(rotate(weak.id, 0, null, by(strong))).rejects.toThrow('logged_out');
        expect(await store.noteCredential(by(strong), 'manage', { ...token, id: 'aud_x' })).toBe(
          'logged_out',
        );
        expect(await store.listAudit(projectId, { limit: 10, action: 'token' })).toHaveLength(1);
      });

      test('neither a revoked nor an expired key is rotated', async () => {
        const [revoked, expired] = [await addKey(), await addKey({ expiresAt: Date.now() - 1 })];
        await revoke(revoked.id);
        expect([await rotate(revoked.id, hourMs), await rotate(expired.id, hourMs)]).toEqual([
          undefined,
          undefined,
        ]);
      });

      test('a revoked key is found no more, and a start does not give it back', async () => {
        const first = { id: 'first000', projectId, name: 'bootstrap', secretHash: 'h', scopes: [] };
        await store.putOnlyApiKey(first);
        expect(await store.findApiKey(first.id)).toBeDefined();
        expect(await revoke(first.id)).toMatchObject({ revokedAt: expect.any(Number) });
        expect(await revoke(first.id)).toBeUndefined();
        await store.putOnlyApiKey(first);
        expect(await store.findApiKey(first.id)).toBeUndefined();
      });

      test('a start revokes no key that was created over the API, whatever its name', async () => {
        const { id } = await addKey();
        await store.putOnlyApiKey({ id: 'first000', projectId, name: 'a key', secretHash: 'h', scopes: [] });
        expect(await store.findApiKey(id)).toBeDefined();
      });

      test('another project can neither see, rotate nor revoke it', async () => {
        const stranger = await addProject('stranger');
        const { id } = await addKey({ projectId: stranger?.id });
        expect(await store.getApiKey(projectId, id)).toBeUndefined();
        expect(await store.listApiKeys(projectId, { limit: 10 })).toEqual([]);
        expect(await rotate(id, 0)).toBeUndefined();
        expect(await revoke(id)).toBeUndefined();
        expect(await store.findApiKey(id)).toBeDefined();
      });

      test('pages go by time, whatever the ids, and a cursor of another project has no page', async () => {
        for (const id of ['zzzzzzzz', 'aaaaaaaa', 'mmmmmmmm']) {
          const { createdAt } = await addKey({ id });
          await until(Date.now, (now) => now > createdAt);
        }
        const ids = async (page: { limit: number; after?: string; before?: string }) =>
          (await store.listApiKeys(projectId, page)).map(({ id }) => id);
        expect(await ids({ limit: 1 })).toEqual(['mmmmmmmm', 'aaaaaaaa']);
        expect(await ids({ limit: 5, after: 'aaaaaaaa' })).toEqual(['zzzzzzzz']);
        expect(await ids({ limit: 1, before: 'zzzzzzzz' })).toEqual(['aaaaaaaa', 'mmmmmmmm']);
        expect(await ids({ limit: 5, after: 'unknown0' })).toEqual([]);
      });

      test('uses are noted for all keys of a process at once', async () => {
        const [one, two, other] = [await addKey(), await addKey(), await addKey()];
        await store.markKeysUsed([one.id, two.id]);
        const usedAt = async (id: string) => (await store.getApiKey(projectId, id))?.lastUsedAt ?? null;
        expect(await usedAt(one.id)).toBeGreaterThan(0);
        expect(await usedAt(two.id)).toBe(await usedAt(one.id));
        expect(await usedAt(other.id)).toBeNull();
      });
    });

    describe('projects', () => {
      test('a key belongs to one project, made once with its templates', async () => {
        const results = await Promise.all(Array.from({ length: 3 }, () => addProject('shop')));
        const [project, ...others] = results.filter((result) => result !== undefined);
        expect(others).toEqual([]);
        expect(project).toMatchObject({ key: 'shop', defaultLocale: 'fr', retention });
        const id = project?.id ?? '';
        expect(await store.publishedTemplate(id, 'hello')).toMatchObject({ version: 1 });
        expect(await store.listTemplateParts(id)).toMatchObject([{ kind: 'layout', key: 'main' }]);
        expect(await store.listAudit(null, { limit: 10 })).toMatchObject([
          { action: 'projects.create', target: 'shop', actorId: 'acc_1' },
        ]);
      });

      test('only what is given is changed, and put on record by its name', async () => {
        const changed = await store.updateProject(actor, {
          auditId: nextId('aud_'),
          id: projectId,
          settings: { timezone: 'Europe/Paris', name: undefined },
        });
        expect(changed).toMatchObject({ key: 'default', name: null, timezone: 'Europe/Paris' });
        const untouched = await store.updateProject(actor, {
          auditId: nextId('aud_'),
          id: projectId,
          settings: {},
        });
        expect(untouched).toEqual(changed);
        expect(await store.listAudit(projectId, { limit: 10 })).toMatchObject([
          { action: 'projects.update', target: 'default', fields: ['timezone'] },
        ]);
      });

      test('a key may have the audit trail kept longer, and never for a shorter time', async () => {
        const { id } = await addKey({ scopes: ['manage'] });
        const keep = (auditDays: number | null, by: Actor = { ...actor, kind: 'key', id }) =>
          store.updateProject(by, {
            auditId: nextId('aud_'),
            id: projectId,
            settings: { retention: { ...retention, auditDays } },
          });
        expect(await keep(364)).toBe('forbidden');
        expect(await keep(365)).toMatchObject({ retention: { auditDays: 365 } });
        expect(await keep(null)).toMatchObject({ retention: { auditDays: null } });
        expect(await keep(36_500)).toBe('forbidden');
        expect(await keep(1, actor)).toMatchObject({ retention: { auditDays: 1 } });
        expect(await keep(2)).toMatchObject({ retention: { auditDays: 2 } });
      });

      test('an archived project lets nobody in with its keys; what it accepted is still claimed', async () => {
        const project = await addProject('shop');
        const { id } = await addKey({ projectId: project?.id });
        const expiresAt = Date.now() + hourMs;
        await store.accept([
          {
            notification: {
              id: 'ntf_1',
              projectId: project?.id ?? '',
              data: {},
              metadata: {},
              lane: 'normal',
              expiresAt,
              answer: { id: 'ntf_1', status: 'accepted', messages: [] },
            },
            messages: [
              {
                id: 'msg_1',
                notificationId: 'ntf_1',
                projectId: project?.id ?? '',
                channel: 'email',
                lane: 'normal',
                status: 'queued',
                address: 'ada@example.com',
                onAmbiguous: 'resend',
                place: 'queue',
                expiresAt,
              },
            ],
          },
        ]);
        const archive = () => store.archiveProject(actor, { auditId: nextId('aud_'), key: 'shop' });
        expect(await archive()).toMatchObject({ archivedAt: expect.any(Number) });
        expect(await archive()).toBeUndefined();
        expect(await store.findApiKey(id)).toBeUndefined();
        const { claimed } = await store.claim({ ids: ['msg_1'], token: 't', owner: 'w', leaseMs: 60_000 });
        expect(claimed).toHaveLength(1);
      });

      test('pages lead through all of them, newest first', async () => {
        for (const key of ['one', 'two']) await addProject(key);
        const keys = async (page: { limit: number; after?: string; before?: string }) =>
          (await store.listProjects(page)).map(({ key }) => key);
        const [newest, middle] = await store.listProjects({ limit: 2 });
        expect(await keys({ limit: 2 })).toEqual(['default', 'two', 'one']);
        expect(await keys({ limit: 1, after: newest?.id })).toEqual(['two', 'one']);
        expect(await keys({ limit: 1, before: middle?.id })).toEqual(['default']);
      });
    });

    test('the trail is that of one project or of the instance, filtered by who, what and to what', async () => {
      const [one, two] = [await addKey(), await addKey()];
      await revoke(one.id);
      await addProject('shop');
      const found = async (of: string | null, filters = {}) =>
        (await store.listAudit(of, { limit: 10, ...filters })).map(
          ({ action, target }) => `${action} ${target}`,
        );
      expect(await found(projectId)).toEqual([
        `apiKeys.revoke ${one.id}`,
        `apiKeys.create ${two.id}`,
        `apiKeys.create ${one.id}`,
      ]);
      expect(await found(null)).toEqual(['projects.create shop']);
      expect(await found(projectId, { target: one.id, action: 'apiKeys.create' })).toHaveLength(1);
      expect(await found(projectId, { actorId: 'acc_2' })).toEqual([]);
      const [newest] = await store.listAudit(projectId, { limit: 1 });
      expect(await found(projectId, { after: newest?.id })).toHaveLength(2);
      expect(await found(projectId, { before: newest?.id })).toEqual([]);
    });
  });
}
