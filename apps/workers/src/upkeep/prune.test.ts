import { createStore, type Store } from '@tidings/db';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acceptItem } from '../../../../packages/db/src/accept-item.fixture.ts';
import { openRecord, type TestRecord } from '../../../../test/support/record.ts';
import { tempDir } from '../../../../test/support/temp-dir.ts';
import { createPruner } from './prune.ts';

let record: TestRecord;
let store: Store;
let projectId: string;
let removeDir: () => void;
beforeEach(async () => {
  const dir = tempDir();
  removeDir = dir.remove;
  record = await openRecord(dir.path);
  store = createStore(record.database);
  projectId = await store.ensureProject({ id: 'prj_1', key: 'default' });
});
afterEach(async () => {
  await record.database.close();
  removeDir();
});

async function withPayload(): Promise<string[]> {
  const found = await record.query(
    'select id from notifications where payload_removed_at is null order by id',
  );
  return (found as Array<{ id: string }>).map(({ id }) => id);
}

test('a round looks again at what was open, and not at what was done with before it', async () => {
  const items = Array.from({ length: 450 }, () => acceptItem({ projectId }));
  await store.accept(items.slice(0, 300));
  await store.accept(items.slice(300));
  const open = items[250]?.notification.id ?? '';
  const old = Date.now() - 40 * 86_400_000;
  await record.query(`update notifications set created_at = ${old}`);
  await record.query(
    `update messages set status = 'sent', place = null, ended_at = ${old} where notification_id <> '${open}'`,
  );
  const began: Array<string | null> = [];
  const prune = createPruner({
    store: {
      ...store,
      pruneNotifications: (options) => {
        if (options.rule === 'payloads') began.push(options.after);
        return store.pruneNotifications(options);
      },
    },
  });
  const wholeRound = async () => {
    began.length = 0;
    while (await prune());
  };

  await wholeRound();
  expect(await withPayload()).toEqual([open]);
  expect(began).toEqual([null, items[199]?.notification.id, items[399]?.notification.id]);
  await wholeRound();
  expect(began).toEqual([items[449]?.notification.id]);
  expect(await withPayload()).toEqual([open]);
  await record.query(`update messages set status = 'sent', place = null, ended_at = ${old}`);
  await wholeRound();
  expect(await withPayload()).toEqual([]);
  await wholeRound();
  expect(began).toEqual([items[449]?.notification.id]);
});

test('events go as their project says, and stay for ever where it says so', async () => {
  const keeping = await store.ensureProject({ id: 'prj_2', key: 'keeping' });
  await record.query(`update projects set retention = '{"eventsDays":null}' where id = '${keeping}'`);
  const event = { externalId: null, source: '', requestHash: null, subject: null, data: {} };
  const events = ['old', 'young', 'kept'].map((name) => ({
    ...event,
    id: `evt_${name}`,
    projectId: name === 'kept' ? keeping : projectId,
    origin: 'application' as const,
    type: 'order.created',
  }));
  await store.publish(events);
  const old = Date.now() - 31 * 86_400_000;
  await record.query(`update events set created_at = ${old} where id <> 'evt_young'`);
  const prune = createPruner({ store });
  while (await prune());
  expect(await record.query('select id from events order by id')).toEqual([
    { id: 'evt_kept' },
    { id: 'evt_young' },
  ]);
});
