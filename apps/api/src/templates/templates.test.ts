import { createTidings, problemOf, type Tidings } from '@tidings/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
let tidings: Tidings;
beforeAll(async () => {
  tested = await openTestApi();
  tidings = createTidings({ url: (await tested.listen()).url, apiKey: tested.key });
});
afterAll(() => tested.close());

const contentOf = (subject: string) => ({ en: { email: { subject, html: '<p>{{ name }}</p>' } } });
const schema = { type: 'object', required: ['name'], properties: { name: { type: 'string' } } };
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => problemOf(error)?.code,
  );

async function published(key: string, subject = 'One') {
  const draft = await tidings.templates.create.mutate({ key, content: contentOf(subject), schema });
  await tidings.templates.publish.mutate({ key, revision: draft.revision });
  return tidings.templates.get.query({ key });
}

/** What a send with the template would be rendered from. */
async function send(template: string, data: Record<string, unknown> = { name: 'Ada' }) {
  const { id } = await tidings.notifications.send.mutate({
    to: { email: 'ada@example.com' },
    template,
    data,
  });
  return tidings.notifications.get.query({ id });
}

describe('the life of a template', () => {
  test('a draft is sent with by nobody; published it is, and changes come with the next publish', async () => {
    const key = 'life';
    const draft = await tidings.templates.create.mutate({ key, content: contentOf('One'), schema });
    expect(draft).toMatchObject({ version: 1, status: 'draft', publishedVersion: null });
    expect(await codeOf(send(key))).toBe('template_not_found');
    await tidings.templates.publish.mutate({ key });
    expect(await send(key)).toMatchObject({ templateVersion: 1 });

    const second = await tidings.templates.update.mutate({
      key,
      revision: draft.revision,
      content: contentOf('Two'),
    });
    expect(second).toMatchObject({ version: 2, status: 'draft', publishedVersion: 1, schema });
    expect(await send(key)).toMatchObject({ templateVersion: 1 });
    await tidings.templates.publish.mutate({ key, revision: second.revision });
    expect(await send(key)).toMatchObject({ templateVersion: 2 });
    expect(await tidings.templates.versions.query({ key, limit: 1 })).toMatchObject({
      items: [{ version: 2, status: 'published', inUse: true }],
      olderThan: 2,
    });
  });

  test('a rollback sends with an earlier version, and a publish goes on from there', async () => {
    const first = await published('back');
    await tidings.templates.update.mutate({
      key: 'back',
      revision: first.revision,
      content: contentOf('Two'),
    });
    await tidings.templates.publish.mutate({ key: 'back' });
    await tidings.templates.rollback.mutate({ key: 'back', version: 1 });
    expect(await send('back')).toMatchObject({ templateVersion: 1 });
    const { revision } = await tidings.templates.get.query({ key: 'back' });
    const third = await tidings.templates.update.mutate({ key: 'back', revision, category: 'news' });
    expect(third).toMatchObject({ version: 3, content: contentOf('One'), category: 'news' });
    expect(await codeOf(tidings.templates.rollback.mutate({ key: 'back', version: 3 }))).toBe(
      'not_published',
    );
    expect(await codeOf(tidings.templates.rollback.mutate({ key: 'back', version: 4 }))).toBe('not_found');
  });

  test('an archived template sends nothing, until it is rolled back to', async () => {
    await published('gone');
    const archived = await tidings.templates.archive.mutate({ key: 'gone' });
    expect(archived).toMatchObject({ publishedVersion: null, archivedAt: expect.any(String) });
    expect(await codeOf(send('gone'))).toBe('template_not_found');
    expect(await tidings.templates.archive.mutate({ key: 'gone' })).toEqual(archived);
    await tidings.templates.rollback.mutate({ key: 'gone', version: 1 });
    expect(await send('gone')).toMatchObject({ templateVersion: 1 });
  });

  test('of two who edit the same draft one is refused, whichever way they meet', async () => {
    const { revision } = await published('two');
    const edit = (subject: string) =>
      tidings.templates.update.mutate({ key: 'two', revision, content: contentOf(subject) });
    const begun = await Promise.all([codeOf(edit('A')), codeOf(edit('B'))]);
    expect(begun.filter((code) => code === 'revision_conflict')).toHaveLength(1);
    expect(await codeOf(edit('C'))).toBe('revision_conflict');

    const draft = await tidings.templates.get.query({ key: 'two' });
    const change = (subject: string) =>
      tidings.templates.update.mutate({ key: 'two', revision: draft.revision, content: contentOf(subject) });
    const both = await Promise.all([codeOf(change('A')), codeOf(change('B'))]);
    expect(both.filter((code) => code === 'revision_conflict')).toHaveLength(1);
    expect(await codeOf(tidings.templates.publish.mutate({ key: 'two', revision: draft.revision }))).toBe(
      'revision_conflict',
    );
  });

  test('a key is taken once, and there is nothing to publish without a draft', async () => {
    await published('taken');
    const again = tidings.templates.create.mutate({ key: 'taken', content: contentOf('x') });
    expect(await codeOf(again)).toBe('template_exists');
    expect(await codeOf(tidings.templates.publish.mutate({ key: 'taken' }))).toBe('no_draft');
  });

  test('another project sees nothing of it', async () => {
    await published('private');
    const other = await tested.addProject('other');
    const asOther = { authorization: `Bearer ${other}` };
    for (const [method, path, body] of [
      ['GET', '/v1/templates/private', undefined],
      ['GET', '/v1/templates/private/versions', undefined],
      ['PUT', '/v1/templates/private/draft', { revision: 1 }],
      ['POST', '/v1/templates/private/publish', {}],
      ['POST', '/v1/templates/private/rollback', { version: 1 }],
      ['POST', '/v1/templates/private/archive', {}],
      ['POST', '/v1/templates/private/lint', {}],
      ['POST', '/v1/templates/private/preview', {}],
      ['POST', '/v1/templates/private/test', { to: { email: 'a@example.com' } }],
    ] as const) {
      const answer = await tested.call(method, path, body, asOther);
      expect([path, answer.status]).toEqual([path, 404]);
    }
    const { body } = await tested.call('GET', '/v1/templates?limit=100', undefined, asOther);
    expect((body.items as Array<{ key: string }>).map(({ key }) => key)).not.toContain('private');
  });

  test('the list goes through every template once', async () => {
    const keys: string[] = [];
    let after: string | undefined;
    do {
      const page = await tidings.templates.list.query({ limit: 3, after });
      keys.push(...page.items.map(({ key }) => key));
      after = page.after ?? undefined;
    } while (after !== undefined);
    expect(keys).toEqual([...new Set(keys)].sort());
    expect(keys).toContain('welcome_email');
  });

  test('each change is in the audit trail, by the names of its fields', async () => {
    const { revision } = await published('audited');
    await tidings.templates.update.mutate({ key: 'audited', revision, category: 'secret words' });
    const projectId = await tested.store.ensureProject({ id: 'prj_none', key: 'default' });
    const rows = await tested.store.listAudit(projectId, { target: 'audited', limit: 10 });
    expect(rows.map(({ action, fields }) => [action, fields])).toEqual([
      ['templates.update', ['category']],
      ['templates.publish', []],
      ['templates.create', []],
    ]);
    expect(JSON.stringify(rows)).not.toContain('secret words');
  });
});

describe('publishing', () => {
  test('refuses what is wrong, all of it with its place, and publishes nothing', async () => {
    const content = {
      en: {
        email: { subject: '{{ name', html: '<a href="javascript:x">{{ other }}</a>' },
        push: { title: 't', body: "{% render 'nosuch' %}" },
      },
    };
    await tidings.templates.create.mutate({ key: 'wrong', content, schema: { type: 'nothing' } });
    const error = await tidings.templates.publish.mutate({ key: 'wrong' }).catch((thrown: unknown) => thrown);
    expect(problemOf(error)).toMatchObject({
      code: 'invalid_template',
      errors: [
        { pointer: '/schema' },
        { pointer: '/content/en/email/subject' },
        { pointer: '/content/en/push/body' },
      ],
    });
    expect(await codeOf(send('wrong'))).toBe('template_not_found');
    const { findings } = await tidings.templates.lint.mutate({ key: 'wrong' });
    expect(findings.map(({ severity }) => severity)).toEqual(['error', 'error', 'error']);
  });

  test('answers what it warns of', async () => {
    const content = { en: { email: { subject: 's', html: '{{ name | raw }}' } } };
    await tidings.templates.create.mutate({ key: 'raw', content, schema });
    expect(await tidings.templates.publish.mutate({ key: 'raw' })).toMatchObject({
      publishedVersion: 1,
      warnings: [{ rule: 'unescaped', pointer: '/content/en/email/html' }],
    });
  });

  test('a version keeps the parts it took in, and says when they have changed', async () => {
    const part = { kind: 'partial', key: 'sign' } as const;
    await tidings.templateParts.upsert.mutate({ ...part, html: 'Yours, A' });
    const content = { en: { email: { subject: 's', html: "{% render 'sign' %}" } } };
    await tidings.templates.create.mutate({ key: 'signed', content, schema });
    await tidings.templates.publish.mutate({ key: 'signed' });
    expect((await tidings.templates.get.query({ key: 'signed' })).outdatedParts).toEqual([]);
    await tidings.templateParts.upsert.mutate({ ...part, html: 'Yours, B' });
    const after = await tidings.templates.get.query({ key: 'signed' });
    expect(after.outdatedParts).toEqual(['partial/sign']);
    const seen = await tidings.templates.preview.mutate({ key: 'signed', data: { name: 'x' } });
    expect(seen.email?.html).toContain('Yours, A');
    await tidings.templateParts.remove.mutate(part);
    expect((await tidings.templates.get.query({ key: 'signed' })).outdatedParts).toEqual(['partial/sign']);
    expect(await codeOf(tidings.templateParts.get.query(part))).toBe('not_found');
  });

  test('while it is published again and again, each send uses one published version', async () => {
    let { revision } = await published('race');
    const versions = new Set<number | null>();
    const sending = (async () => {
      for (let sent = 0; sent < 60; sent += 1) versions.add((await send('race')).templateVersion);
    })();
    for (let version = 2; version <= 8; version += 1) {
      const draft = await tidings.templates.update.mutate({
        key: 'race',
        revision,
        content: contentOf(`Version ${version}`),
      });
      ({ revision } = draft);
      await tidings.templates.publish.mutate({ key: 'race', revision });
      if (version % 3 === 0) await tidings.templates.rollback.mutate({ key: 'race', version: version - 1 });
      ({ revision } = await tidings.templates.get.query({ key: 'race' }));
    }
    await sending;
    const { items } = await tidings.templates.versions.query({ key: 'race' });
    const known = items.filter(({ status }) => status === 'published').map(({ version }) => version);
    expect([...versions].every((version) => version !== null && known.includes(version))).toBe(true);
  });
});

describe('the data of a send', () => {
  test('is checked against the schema of the version in use', async () => {
    const orders = {
      type: 'object',
      required: ['order'],
      additionalProperties: false,
      properties: {
        order: { type: 'object', required: ['id'], properties: { id: { type: 'string', pattern: '^A-' } } },
      },
    };
    const content = { en: { push: { title: 't', body: '{{ order.id }}' } } };
    await tidings.templates.create.mutate({ key: 'checked', content, schema: orders });
    await tidings.templates.publish.mutate({ key: 'checked' });
    const wrong = (data: Record<string, unknown>) =>
      send('checked', data).catch((error: unknown) =>
        problemOf(error)?.errors?.map(({ pointer }) => pointer),
      );
    expect(await wrong({})).toEqual(['/data/order']);
    expect(await wrong({ order: {} })).toEqual(['/data/order/id']);
    expect(await wrong({ order: { id: 'B-1' }, more: 1 })).toEqual(['/data/order/id', '/data/more']);
    expect(await send('checked', { order: { id: 'A-1' } })).toMatchObject({ templateVersion: 1 });
  });
});

describe('a preview', () => {
  test('is what a worker would render, of draft or version, in the locale asked for', async () => {
    const content = {
      en: {
        email: { subject: 'Hi {{ name }}', html: '<p>{{ name }}</p>' },
        push: { title: 'Hi', body: 'x' },
      },
      fr: { email: { subject: 'Salut {{ name }}', text: 'Salut' } },
    };
    await tidings.templates.create.mutate({ key: 'seen', content, schema });
    const data = { name: '<Ada>' };
    expect(await tidings.templates.preview.mutate({ key: 'seen', locale: 'fr-CA', data })).toEqual({
      version: 1,
      email: { locale: 'fr', subject: 'Salut <Ada>', html: null, text: 'Salut' },
      push: { locale: 'en', title: 'Hi', body: 'x', url: null, data: {} },
      faults: [],
    });
    const inEnglish = await tidings.templates.preview.mutate({ key: 'seen', data: {} });
    expect(inEnglish.faults).toMatchObject([{ pointer: '/data/name' }]);
    expect(inEnglish.email).toMatchObject({ locale: 'en', html: '<p></p>' });
  });

  test('stores nothing, and what never ends is an answer', async () => {
    const before = await tidings.notifications.list.query({ limit: 100 });
    const content = { en: { email: { subject: 's', text: '{% for i in (1..1000000000) %}x{% endfor %}' } } };
    await tidings.templates.create.mutate({ key: 'endless', content });
    expect(await codeOf(tidings.templates.preview.mutate({ key: 'endless' }))).toBe('invalid_template');
    expect(await tidings.notifications.list.query({ limit: 100 })).toEqual(before);
  });
});
