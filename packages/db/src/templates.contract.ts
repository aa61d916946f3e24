import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Database, Store } from './index.ts';
import { createStore } from './index.ts';

const actor = { kind: 'system' as const, id: '', address: '', requestId: '' };
let made = 0;

/** What every dialect's store must do with templates. `open` gives an empty database with the schema in place. */
export function templatesContract(dialect: string, open: () => Promise<Database>): void {
  describe(`templates on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    let projectId: string;

    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      projectId = await store.ensureProject({ id: 'prj_1', key: 'default' });
    });
    afterEach(() => database.close());

    const contentOf = (body: string) => ({ en: { push: { title: 't', body } } });
    const fieldsOf = (body: string) => ({
      category: null,
      onAmbiguous: 'resend' as const,
      schema: { type: 'object' },
      source: { content: contentOf(body) },
    });
    const recorded = (action: string) => {
      made += 1;
      return { actor, change: { id: `aud_${made}`, projectId, action, target: 'key' } };
    };

    async function draft(version: number, body = 'one') {
      made += 1;
      const id = `tpl_${made}`;
      const fields = { ...fieldsOf(body), id, key: 'key', version };
      const row = await store.startDraft(projectId, fields, recorded('start'));
      if (row === undefined) throw new Error('the draft was not stored');
      return { id, revision: row.updatedAt ?? 0 };
    }

    const publish = (state: { id: string; revision: number }, body = 'one') =>
      store.publishTemplate(
        projectId,
        state,
        { content: contentOf(body), source: { content: contentOf(body) } },
        recorded('publish'),
      );

    test('a published version cannot be changed, published again or overwritten', async () => {
      const state = await draft(1);
      const published = await publish(state);
      expect(published?.publishedAt).toBeTypeOf('number');
      expect(
        await store.updateDraft(projectId, state, fieldsOf('other'), recorded('update')),
      ).toBeUndefined();
      expect(await publish(state, 'other')).toBeUndefined();
      const again = { ...fieldsOf('other'), id: 'tpl_other', key: 'key', version: 1 };
      expect(await store.startDraft(projectId, again, recorded('start'))).toBeUndefined();
      await store.addFirstTemplates(projectId, { parts: [], templates: [{ ...again, content: {} }] });
      expect(await store.publishedTemplate(projectId, 'key')).toEqual(published);
    });

    test('a draft changes only in the state that was read, and each change is another', async () => {
      const state = await draft(1);
      const first = await store.updateDraft(projectId, state, fieldsOf('two'), recorded('update'));
      expect(first?.updatedAt).toBeGreaterThan(state.revision);
      expect(
        await store.updateDraft(projectId, state, fieldsOf('three'), recorded('update')),
      ).toBeUndefined();
      expect(await publish(state)).toBeUndefined();
      const { shown } = (await store.getTemplate(projectId, 'key')) ?? {};
      expect(shown?.source?.content).toEqual(contentOf('two'));
    });

    test('what was refused is not in the audit trail', async () => {
      const state = await draft(1);
      await publish(state);
      await publish(state);
      await store.updateDraft(projectId, state, fieldsOf('two'), recorded('update'));
      const rows = await store.listAudit(projectId, { limit: 10 });
      expect(rows.map(({ action }) => action).sort()).toEqual(['publish', 'start']);
    });

    test('a send uses what was published or rolled back to last, and nothing once it is archived', async () => {
      const inUse = async () => (await store.publishedTemplate(projectId, 'key'))?.version;
      const first = await draft(1);
      expect(await inUse()).toBeUndefined();
      await publish(first);
      const second = await draft(2, 'two');
      expect(await inUse()).toBe(1);
      expect(await store.rollbackTemplate(projectId, second.id, recorded('rollback'))).toBeUndefined();
      await publish(second, 'two');
      expect(await inUse()).toBe(2);
      await store.rollbackTemplate(projectId, first.id, recorded('rollback'));
      expect(await inUse()).toBe(1);
      expect(await store.archiveTemplate(projectId, 'key', recorded('archive'))).toBe(true);
      expect(await store.archiveTemplate(projectId, 'key', recorded('archive'))).toBe(false);
      expect(await inUse()).toBeUndefined();
      expect(await store.listTemplates(projectId, { limit: 5 })).toMatchObject([
        {
          key: 'key',
          newestVersion: 2,
          draftVersion: null,
          publishedVersion: 1,
          archivedAt: expect.any(Number),
        },
      ]);
    });

    test('nothing of another project is changed or seen', async () => {
      const other = await store.ensureProject({ id: 'prj_2', key: 'other' });
      const state = await draft(1);
      expect(await store.updateDraft(other, state, fieldsOf('x'), recorded('update'))).toBeUndefined();
      await publish(state);
      expect(await store.rollbackTemplate(other, state.id, recorded('rollback'))).toBeUndefined();
      expect(await store.archiveTemplate(other, 'key', recorded('archive'))).toBe(false);
      expect(await store.getTemplate(other, 'key')).toBeUndefined();
      expect(await store.publishedTemplate(projectId, 'key')).toBeDefined();
    });

    test('a part is one row by its kind and key', async () => {
      const name = { kind: 'layout' as const, key: 'main' };
      const addFirst = (html: string) =>
        store.addFirstTemplates(projectId, { parts: [{ ...name, source: { html } }], templates: [] });
      await addFirst('a');
      expect((await store.getTemplatePart(projectId, name))?.source).toEqual({ html: 'a' });
      await store.putTemplatePart(projectId, name, { mjml: 'b' }, recorded('put'));
      await addFirst('c');
      await store.putTemplatePart(projectId, { ...name, kind: 'partial' }, { text: 'd' }, recorded('put'));
      expect((await store.getTemplatePart(projectId, name))?.source).toEqual({ mjml: 'b' });
      expect(await store.listTemplateParts(projectId)).toMatchObject([
        { kind: 'layout' },
        { kind: 'partial' },
      ]);
      expect(await store.deleteTemplatePart(projectId, name, recorded('delete'))).toBe(true);
      expect(await store.deleteTemplatePart(projectId, name, recorded('delete'))).toBe(false);
    });
  });
}
