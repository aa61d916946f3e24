import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Actor, Database, Store, WordChange } from './index.ts';
import { createStore } from './index.ts';

const actor: Actor = { kind: 'key', id: 'key_1', address: '', requestId: 'req' };

/** Categories and preferences on record, on every dialect. */
export function preferencesContract(dialect: string, open: () => Promise<Database>): void {
  describe(`preferences on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    let projectId: string;
    let made = 0;

    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      projectId = await store.ensureProject({ id: 'prj_1', key: 'default' });
      const change = { projectId, actor, action: 'recipients.upsert' };
      await store.upsertRecipients(
        ['ada', 'grace'].map((name) => ({
          ...change,
          id: `rcp_${name}`,
          auditId: `aud_${name}`,
          input: { externalId: name },
        })),
      );
    });
    afterEach(() => database.close());

    const auditId = () => {
      made += 1;
      return `aud_${String(made).padStart(6, '0')}`;
    };
    const set = (words: WordChange[], recipientId = 'rcp_ada') =>
      store.setPreferences(actor, { projectId, recipientId, words, fields: {}, auditId: auditId() });
    const wordsOf = async (id: string) => {
      const { words = [] } = (await store.findPreferences(projectId, id)) ?? {};
      return words.map(({ channel, category, enabled }) => `${channel} ${category} ${enabled}`).sort();
    };
    const erase = async (id: string) => {
      const { recipients } = database.tables;
      await database.handle.update(recipients).set({ erasedAt: 1 }).where(eq(recipients.id, id)).returning();
    };

    test('the last word on a channel and category counts, and null takes away that one only', async () => {
      await set([
        { channel: 'email', category: '', enabled: false },
        { channel: 'email', category: 'news', enabled: true },
        { channel: 'push', category: 'news', enabled: true },
      ]);
      await set([{ channel: 'email', category: 'news', enabled: false }], 'rcp_grace');
      await set([
        { channel: 'email', category: 'news', enabled: false },
        { channel: 'email', category: '', enabled: null },
        { channel: 'email', category: 'never said', enabled: null },
      ]);
      expect(await wordsOf('ada')).toEqual(['email news false', 'push news true']);
      expect(await wordsOf('rcp_grace')).toEqual(['email news false']);
    });

    test('the same holds for what the project says', async () => {
      const setDefaults = (words: WordChange[]) =>
        store.setPreferenceDefaults(actor, { projectId, words, auditId: auditId() });
      await setDefaults([
        { channel: 'push', category: '', enabled: false },
        { channel: 'push', category: 'news', enabled: false },
      ]);
      await setDefaults([
        { channel: 'push', category: '', enabled: null },
        { channel: 'push', category: 'news', enabled: true },
      ]);
      const expected = [{ channel: 'push', category: 'news', enabled: true }];
      expect(await store.listPreferenceDefaults(projectId)).toEqual(expected);
      expect(await store.listPreferenceDefaults('prj_other')).toEqual([]);
    });

    test('the rules of every project come with its zone, what it requires and what it said', async () => {
      const category = { name: 'Any', description: null };
      for (const [key, required] of [
        ['security', true],
        ['news', false],
      ] as const) {
        await store.upsertCategory(actor, { ...category, key, required, projectId, auditId: auditId() });
      }
      const words = [{ channel: 'push' as const, category: 'news', enabled: false }];
      await store.setPreferenceDefaults(actor, { projectId, words, auditId: auditId() });
      await store.ensureProject({ id: 'prj_2', key: 'second' });
      const rules = await store.projectRules();
      expect(rules).toHaveLength(2);
      expect(rules.find((one) => one.projectId === projectId)).toMatchObject({
        timezone: 'UTC',
        required: ['security'],
        optional: ['news'],
        defaults: words,
      });
      expect(rules.find((one) => one.projectId === 'prj_2')).toMatchObject({
        required: [],
        optional: [],
        defaults: [],
      });
    });

    test('who is erased has no preferences, can change none, and its tokens mean nobody', async () => {
      expect(await store.isLiveRecipient(projectId, 'rcp_ada')).toBe(true);
      expect(await store.isLiveRecipient('prj_other', 'rcp_ada')).toBe(false);
      await erase('rcp_ada');
      expect(await store.isLiveRecipient(projectId, 'rcp_ada')).toBe(false);
      expect(await set([{ channel: 'email', category: '', enabled: false }])).toBe(false);
      expect(await store.findPreferences(projectId, 'rcp_ada')).toBeUndefined();
      expect(await store.listAudit(projectId, { action: 'preferences.set', limit: 5 })).toEqual([]);
    });

    test('nobody changes the preferences of another project', async () => {
      const other = await store.ensureProject({ id: 'prj_2', key: 'second' });
      const words = [{ channel: 'email' as const, category: '', enabled: false }];
      const input = { projectId: other, recipientId: 'rcp_ada', words, fields: {}, auditId: auditId() };
      expect(await store.setPreferences(actor, input)).toBe(false);
      expect(await wordsOf('ada')).toEqual([]);
    });

    test('a change whose audit row cannot be written is not made', async () => {
      await set([{ channel: 'email', category: 'news', enabled: true }]);
      made -= 1;
      await expect(set([{ channel: 'email', category: 'news', enabled: false }])).rejects.toThrow();
      expect(await wordsOf('ada')).toEqual(['email news true']);
    });
  });
}
