import type { Store, TemplateRow } from '@tidings/db';
import { createSchemas } from '@tidings/templates';
import { expect, test } from 'vitest';
import { createTemplateCache } from './template-cache.ts';

test('what was being read while another version was published is not kept', async () => {
  let inUse = 'one';
  const reading: Array<PromiseWithResolvers<void>> = [];
  const publishedTemplate = async () => {
    const row = { id: inUse, schema: {}, variables: {} } as TemplateRow;
    const answered = Promise.withResolvers<void>();
    reading.push(answered);
    await answered.promise;
    return row;
  };
  const store = { publishedTemplate } as unknown as Store;
  const cache = createTemplateCache({ store, schemas: createSchemas(), cacheMs: 3_600_000 });
  const find = async () => (await cache.find('project', 'key'))?.row.id;

  const before = find();
  inUse = 'two';
  cache.forget('project', 'key');
  reading[0]?.resolve();
  expect(await before).toBe('one');
  const after = find();
  reading[1]?.resolve();
  expect(await after).toBe('two');
  expect(await find()).toBe('two');
  expect(reading).toHaveLength(2);
});
