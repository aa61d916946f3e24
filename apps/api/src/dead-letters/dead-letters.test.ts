import { createTidings, type Tidings } from '@tidings/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
let tidings: Tidings;
let made = 0;

beforeAll(async () => {
  tested = await openTestApi();
  tidings = createTidings({ url: (await tested.listen()).url, apiKey: tested.key });
});
afterAll(() => tested.close());

type Send = Parameters<Tidings['notifications']['send']['mutate']>[0];

/** Sends one message and has it end as a dead letter. */
async function dead(input: Partial<Send>, end = "status = 'failed', reason = 'rejected'"): Promise<string> {
  const { messages } = await tidings.notifications.send.mutate({
    to: { email: 'ada@example.com', name: 'Ada' },
    ...input,
  });
  const id = messages[0]?.id ?? '';
  await tested.query(`UPDATE messages SET ${end}, place = NULL, ended_at = 1 WHERE id = '${id}'`);
  return id;
}

const inline = { email: { subject: 'Hi {{ name }}', html: '<p>{{ name }}</p>', text: '{{ name }}' } };

/** A template that says this; answers its key and how to publish another version. */
async function published(text: string, more: { schema?: Record<string, unknown> } = {}) {
  made += 1;
  const key = `news-${made}`;
  const contentOf = (said: string) => ({ en: { email: { subject: said, text: said } } });
  await tidings.templates.create.mutate({ key, content: contentOf(text), ...more });
  await tidings.templates.publish.mutate({ key });
  const publish = async (said: string, changed: { schema?: Record<string, unknown> } = {}) => {
    const { revision } = await tidings.templates.get.query({ key });
    await tidings.templates.update.mutate({ key, revision, content: contentOf(said), ...changed });
    await tidings.templates.publish.mutate({ key });
  };
  return { key, publish };
}

const replayed = (ids: string[], content?: 'frozen' | 'current') =>
  tidings.deadLetters.replay.mutate({ ids, content });
const pinned = async (id: string) =>
  (await tested.query(`SELECT template_id, status FROM messages WHERE id = '${id}'`))[0];

test('a dead letter shows what it says, as it was accepted', async () => {
  const { key, publish } = await published('Dear {{ recipient.name }}, {{ word }}');
  const id = await dead({ template: key, data: { word: '<now>' }, category: 'letters' });
  await publish('Something else');
  const letter = await tidings.deadLetters.get.query({ id });
  expect(letter).toMatchObject({
    id,
    status: 'failed',
    template: key,
    templateVersion: 1,
    category: 'letters',
    content: {
      locale: 'en',
      email: { subject: 'Dear Ada, <now>', html: null, text: 'Dear Ada, <now>' },
      push: null,
      fault: null,
    },
  });
  const [line] = (await tidings.deadLetters.list.query({ template: key })).items;
  expect(line).toMatchObject({ id, template: key, address: 'ada@example.com', provider: null });
});

test('one that cannot be rendered, or whose payload is gone, says so', async () => {
  const endless = { email: { subject: 's', text: '{% for i in (1..1000000000) %}x{% endfor %}' } };
  const broken = await dead({ content: endless });
  const gone = await dead({ content: inline });
  const { notificationId } = await tidings.messages.get.query({ id: gone });
  await tested.query(`UPDATE messages SET address = NULL WHERE id = '${gone}'`);
  await tested.query(`UPDATE notifications SET payload_removed_at = 1 WHERE id = '${notificationId}'`);
  const faultOf = async (id: string) => (await tidings.deadLetters.get.query({ id })).content.fault;
  expect(await faultOf(broken)).toMatch(/^It cannot be rendered: /);
  expect(await faultOf(gone)).toBe('What it said is gone');
  expect(await replayed([gone])).toMatchObject({ skipped: [{ id: gone, reason: 'payload_removed' }] });
  const refused = await tested.call('POST', `/v1/messages/${gone}/replay`);
  expect(refused).toMatchObject({ status: 409, body: { code: 'not_replayable' } });
});

test('what did not end badly is no dead letter, but what was canceled can be sent again by its id', async () => {
  const sent = await dead({ content: inline }, "status = 'sent'");
  const canceled = await dead({ content: inline }, "status = 'canceled', reason = 'canceled_by_request'");
  for (const id of [sent, canceled]) {
    expect((await tested.call('GET', `/v1/dead-letters/${id}`)).status).toBe(404);
  }
  expect(await replayed([sent, canceled])).toMatchObject({
    replayed: 1,
    skipped: [{ id: sent, reason: 'delivered' }],
    more: false,
    after: null,
  });
  expect(await pinned(canceled)).toEqual({ template_id: null, status: 'queued' });
  expect(await replayed([canceled])).toMatchObject({ skipped: [{ id: canceled, reason: 'open' }] });
});

test('a replay with current content has the version in use, where the data fits it', async () => {
  const schema = { type: 'object', properties: { word: { type: 'string' } }, additionalProperties: false };
  const { key, publish } = await published('{{ recipient.name }}: {{ word }}', { schema });
  const letters = [];
  for (const data of [{ word: 'one' }, {}]) letters.push(await dead({ template: key, data }));
  const [one = '', other = ''] = letters;
  await publish('Now: {{ word }}', { schema: { ...schema, required: ['word'] } });
  expect(await replayed([one, other], 'current')).toMatchObject({
    replayed: 1,
    skipped: [{ id: other, reason: 'data_does_not_fit' }],
  });
  expect(await pinned(one)).toMatchObject({ template_id: expect.stringMatching(/^tpl_/), status: 'queued' });
  expect(await pinned(other)).toEqual({ template_id: null, status: 'failed' });
  const alone = await tested.call('POST', `/v1/messages/${other}/replay`, { content: 'current' });
  expect(alone).toMatchObject({
    status: 422,
    body: { code: 'invalid_variables', errors: [{ pointer: '/data/word' }] },
  });
  await tidings.templates.archive.mutate({ key });
  const archived = await tested.call('POST', `/v1/messages/${other}/replay`, { content: 'current' });
  expect(archived).toMatchObject({ status: 422, body: { code: 'template_not_found' } });
  expect((await tested.call('POST', `/v1/messages/${other}/replay`)).status).toBe(200);
});

test('nothing is made up: a version that speaks of the recipient needs a message that was told of it', async () => {
  const { key, publish } = await published('Hello');
  const id = await dead({ template: key });
  await publish('Hello {{ recipient.name }}');
  expect(await replayed([id], 'current')).toMatchObject({ skipped: [{ id, reason: 'data_does_not_fit' }] });
});

test('content of its own has no other version', async () => {
  const id = await dead({ content: inline });
  expect(await replayed([id], 'current')).toMatchObject({ replayed: 1, skipped: [] });
  expect(await pinned(id)).toEqual({ template_id: null, status: 'queued' });
});

test("a filter is worked off call by call, and what is passed over stands in nobody's way", async () => {
  const { key, publish } = await published('{{ word }}');
  const ids = [];
  for (let index = 0; index < 5; index += 1) {
    ids.push(await dead({ template: key, data: index % 2 === 0 ? { word: 'x' } : {} }));
  }
  await publish('Now {{ word }}', { schema: { type: 'object', required: ['word'] } });
  let after: string | undefined;
  const calls = [];
  for (let more = true; more; ) {
    const answer = await tidings.deadLetters.replay.mutate({
      filter: { template: key },
      content: 'current',
      limit: 2,
      after,
    });
    calls.push([answer.replayed, answer.skipped.map(({ id }) => id)]);
    more = answer.more;
    after = answer.after ?? undefined;
  }
  expect(calls).toEqual([
    [1, [ids[3]]],
    [1, [ids[1]]],
    [1, []],
  ]);
  const left = await tidings.deadLetters.list.query({ template: key });
  expect(left.items.map(({ id }) => id)).toEqual([ids[3], ids[1]]);
  const { items } = await tidings.audit.list.query({ action: 'deadLetters.replay', limit: 3 });
  expect(items.map(({ fields }) => fields)).toEqual([
    ['current', 'replayed 1', 'skipped 0'],
    ['current', 'replayed 1', 'skipped 1'],
    ['current', 'replayed 1', 'skipped 1'],
  ]);
});

test('nothing of another project is sent again, whatever its id', async () => {
  const id = await dead({ content: inline });
  const authorization = `Bearer ${await tested.addProject('others')}`;
  const answer = await tested.call('POST', '/v1/dead-letters/replay', { ids: [id] }, { authorization });
  expect(answer.body).toMatchObject({ replayed: 0, skipped: [{ id, reason: 'not_found' }] });
  expect(await pinned(id)).toMatchObject({ status: 'failed' });
});

test('who may only read sees that there are some, not what they say', async () => {
  const id = await dead({ content: inline });
  const viewer = await tested.addAccount('viewer');
  const ask = (path: string) => tested.call('GET', path, undefined, viewer.headers);
  expect((await ask('/v1/dead-letters')).status).toBe(200);
  expect((await ask(`/v1/dead-letters/${id}`)).status).toBe(403);
});

test.each([
  [{}],
  [{ ids: [] }],
  [{ ids: ['msg_1'] }],
  [{ filter: { status: 'sent' } }],
  [{ filter: {}, limit: 1001 }],
  [{ filter: {}, ids: [`msg_${'0'.repeat(32)}`] }],
  [{ ids: [`msg_${'0'.repeat(32)}`], after: `msg_${'0'.repeat(32)}` }],
])('%j is refused', async (body) => {
  const answer = await tested.call('POST', '/v1/dead-letters/replay', body);
  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
});
