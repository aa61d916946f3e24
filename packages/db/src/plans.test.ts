import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { acceptItem } from './accept-item.fixture.ts';
import { createStore, type Database, type Feedback, openSqlite, type Store } from './index.ts';
import { suppressing } from './suppressing.fixture.ts';

const dir = mkdtempSync(join(tmpdir(), 'tidings-plans-'));
const seen = new Set<string>();
let database: Database;
let store: Store;
let client: Sqlite.Database;
let projectId: string;

beforeAll(async () => {
  database = openSqlite({ path: join(dir, 'plans.db') });
  ({ $client: client } = database.handle as unknown as { $client: Sqlite.Database });
  const prepare = client.prepare.bind(client);
  client.prepare = ((text: string) => {
    seen.add(text);
    return prepare(text);
  }) as typeof client.prepare;
  store = createStore(database);
  projectId = await store.ensureProject({ id: 'prj_1', key: 'default' });
  await addOld(null, 'msg_of_feedback');
});
afterAll(async () => {
  await database.close();
  rmSync(dir, { recursive: true });
});

const actor = { kind: 'system', id: '', address: '', requestId: '' } as const;
let made = 0;
const trail = () => {
  made += 1;
  return { actor, auditId: `aud_${made}` };
};

async function addOld(recipientId: string | null, messageId?: string): Promise<void> {
  const one = acceptItem({
    projectId,
    notification: { recipientId },
    message: {
      status: 'skipped',
      place: null,
      address: 'a@example.com',
      ...(messageId && { id: messageId }),
    },
  });
  await store.accept([one]);
  await database.handle.update(database.tables.notifications).set({ createdAt: 0 }).returning();
  await database.handle.update(database.tables.messages).set({ endedAt: 0 }).returning();
}

/** The lines of the plans of all statements that this runs. */
async function plansOf(run: () => Promise<unknown>): Promise<string[]> {
  seen.clear();
  await run();
  const texts = [...seen].filter((text) => /^(select|update|delete)/i.test(text));
  expect(texts.length).toBeGreaterThan(0);
  return texts.flatMap((text) =>
    (client.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...unbound(text)) as Array<{ detail: string }>).map(
      ({ detail }) => detail,
    ),
  );
}

/** The planner looks at no value. */
const unbound = (text: string) => Array.from(text.matchAll(/\?/g), () => null);

/** A walk over a whole table that grows with use, or over an index of it. */
const fullScan =
  /^SCAN "?(notifications|messages|attempts|feedback|replays|recipients|audit|suppressions|events|copies|copy_attempts)\b/;

const page = { after: null, limit: 200 };
const prune = (rule: 'payloads' | 'idempotencyKeys' | 'attempts' | 'notifications') => () =>
  store.pruneNotifications({ projectId, rule, days: 1, ...page });

const feedback: Feedback[] = [
  { messageId: 'msg_of_feedback', type: 'delivered', at: 1 },
  { providerMessageId: 'of-a-provider', type: 'bounced', at: 1 },
];

describe('no statement of the upkeep, of feedback, and no search or claim, walks over a whole table', () => {
  test.each([
    ['payloads', prune('payloads')],
    ['idempotency keys', prune('idempotencyKeys')],
    ['attempts', prune('attempts')],
    ['notifications', prune('notifications')],
    ['events', () => store.pruneEvents({ projectId, days: 0, limit: 200 })],
    ['audit', () => store.pruneAudit({ projectId, days: 0, limit: 200 })],
    ["the instance's audit", () => store.pruneAudit({ projectId: null, days: 0, limit: 200 })],
    ['a search', () => store.listRecipients(projectId, { search: 'ada', limit: 20 })],
    ['a page', () => store.listRecipients(projectId, { after: 'rcp_x', limit: 20 })],
    ['dead letters', () => store.listDeadLetters(projectId, { after: 'msg_x', limit: 20, template: 'x' })],
    ['replays', () => store.replay(['msg_x'])],
    ['what stands against a replay', () => store.replayCandidates(projectId, ['msg_x', 'msg_y'])],
    ['data', () => store.dataOf(['ntf_x', 'ntf_y'])],
    ['search keys', () => store.fillSearchKeys(projectId, 200)],
    ['feedback', () => store.recordFeedback({ projectId, source: 'api', feedback, ...suppressing })],
    [
      'the list of suppressions in a claim',
      async () => {
        const one = acceptItem({ projectId });
        await store.accept([one]);
        await database.handle.update(database.tables.projects).set({ suppressionKey: 'k' }).returning();
        await store.claim({
          ids: one.messages.map(({ id }) => id),
          token: 'token',
          owner: 'worker',
          leaseMs: 1000,
          decide: () => ({ kind: 'send' }),
        });
      },
    ],
    [
      'an erasure',
      async () => {
        await store.beginErasure(projectId, 'ada', { ...trail(), ...suppressing });
        while (await store.continueErasure('rcp_ada'));
        await store.dueErasures(1);
      },
    ],
  ])('%s', async (_, run) => {
    const input = { externalId: 'ada', email: 'a@example.com' };
    await store.upsertRecipients([{ ...trail(), action: 'x', projectId, id: 'rcp_ada', input }]);
    await addOld('rcp_ada');
    await addOld(null);
    expect((await plansOf(run)).filter((line) => fullScan.test(line))).toEqual([]);
  });
});

test('a page of dead letters walks their own index, whatever it is asked for', async () => {
  const filters = { status: 'failed', reason: 'rejected', recipientId: 'rcp_x', endedFrom: 1 } as const;
  for (const search of [{ limit: 20 }, { limit: 20, after: 'msg_x', ...filters }]) {
    const plan = await plansOf(() => store.listDeadLetters(projectId, search));
    expect(plan[0]).toMatch(/^SEARCH messages USING INDEX messages_dead \(project_id=\?/);
    expect(plan.join()).not.toMatch(/TEMP B-TREE/);
  }
});

test('an address on the list of suppressions is found by its hash, however long the list', async () => {
  await database.handle.update(database.tables.projects).set({ suppressionKey: 'k' }).returning();
  const plans = [
    await plansOf(() => store.listSuppressions(projectId, { address: 'ada@example.com', limit: 20 })),
    await plansOf(() => store.suppressionsOf(projectId, [{ channel: 'email', address: 'ada@example.com' }])),
  ];
  for (const plan of plans) {
    expect(plan.filter((line) => line.includes(' suppressions '))).toEqual([
      expect.stringContaining('USING INDEX suppressions_address (address_hash=?'),
    ]);
  }
});

test('whether anybody asks for happenings is found in the index of those that do, however many do not', async () => {
  const other = await store.ensureProject({ id: 'prj_2', key: 'other' });
  const skipped = { status: 'skipped', place: null } as const;
  const plans = [
    await plansOf(() => store.cancel(projectId, 'ntf_x')),
    await plansOf(() =>
      store.accept([projectId, other].map((id) => acceptItem({ projectId: id, message: skipped }))),
    ),
  ];
  for (const plan of plans) {
    expect(plan.filter((line) => line.includes(' subscriptions '))).toEqual([
      expect.stringContaining('USING INDEX subscriptions_of_happenings (project_id=?'),
    ]);
  }
});

test('what a consumer has waiting and failed is counted in indexes, and found there when it is removed', async () => {
  const plan = [
    ...(await plansOf(() => store.copyCounts('sub_x'))),
    ...(await plansOf(async () => {
      const settings = { kind: 'queue' as const, ordered: false, maxFailures: 8 };
      const one = { id: 'sub_x', name: 'x', kind: settings.kind, settings, types: ['*'], filter: null };
      const more = { ofHappenings: false, ordered: false, sealed: null };
      const by = (id: string) => ({ actor, change: { id, projectId, action: 'x.y', target: 'sub_x' } });
      await store.createSubscription(projectId, { ...one, ...more }, by('aud_made'));
      await store.removeSubscription(projectId, 'sub_x', by('aud_removed'));
    })),
  ].filter((line) => line.includes(' copies '));
  const index = (name: string, columns: string) =>
    expect.stringMatching(new RegExp(`^SEARCH copies USING (COVERING )?INDEX ${name} \\(${columns}`));
  expect(plan).toEqual([
    index('copies_waiting', 'place=\\? AND subscription_id=\\?'),
    index('copies_waiting', 'place=\\? AND subscription_id=\\?'),
    index('copies_failed', 'subscription_id=\\?'),
  ]);
});

test('a page of copies, or of events about something, walks only what it may show', async () => {
  const one = { eventId: 'evt_x' };
  const pages: Array<[run: () => Promise<unknown>, table: string, index: string]> = [
    [() => store.listCopies(projectId, { limit: 20 }), 'copies', 'copies_project (project_id=?'],
    [
      () => store.listCopies(projectId, { limit: 20, status: 'failed' }),
      'copies',
      'copies_dead (project_id=?',
    ],
    [() => store.listCopies(projectId, { limit: 20, ...one }), 'copies', 'copies_event (event_id=?'],
    [
      () => store.listCopies(projectId, { limit: 20, subscriptionId: 'sub_x', after: 'cpy_x' }),
      'copies',
      'copies_subscription (subscription_id=? AND id<?',
    ],
    [
      () => store.listEvents(projectId, { limit: 20, subject: 'user-42', type: 'x.y', after: 'evt_x' }),
      'events',
      'events_subject (project_id=? AND subject=? AND id<?',
    ],
    [
      () => store.eventsAbout(projectId, ['rcp_x', 'user-42'], { limit: 20, after: 'evt_x' }),
      'events',
      'events_subject (project_id=? AND subject=? AND id<?',
    ],
  ];
  for (const [run, table, index] of pages) {
    const plan = await plansOf(run);
    const lines = plan.filter((line) => line.includes(` ${table} `));
    expect(lines).not.toEqual([]);
    for (const line of lines) expect(line).toContain(`SEARCH ${table} USING INDEX ${index}`);
  }
});

test('what a consumer can catch up on is found between two ids of its project', async () => {
  const page = { subscriptionId: 'sub_x', since: 1, until: 2, limit: 10 };
  const plan = await plansOf(() => store.recoverableEvents(projectId, page));
  expect(plan).toEqual([
    expect.stringMatching(/^SEARCH events USING INDEX events_project \(project_id=\? AND id>\? AND id<\?\)/),
    expect.stringMatching(/^SEARCH copies USING INDEX copies_event \(event_id=\? AND subscription_id=\?\)/),
  ]);
});
