import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTidings, type Tidings } from '@tidings/client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';
import { tempDir } from '../../../../test/support/temp-dir.ts';

const entry = fileURLToPath(new URL('../../../../tidings.mjs', import.meta.url));
let tested: TestApi;
let url: string;
let tidings: Tidings;
const temporary = tempDir();
let dir: string;
let made = 0;

beforeAll(async () => {
  tested = await openTestApi();
  ({ url } = await tested.listen());
  tidings = createTidings({ url, apiKey: tested.key });
});
afterAll(async () => {
  await tested.close();
  temporary.remove();
});
beforeEach(() => {
  made += 1;
  dir = join(temporary.path, `folder-${made}`);
});

/** The command as somebody types it. */
function run(...args: string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, TIDINGS_URL: url, TIDINGS_API_KEY: tested.key };
    const all = [entry, 'templates', ...args, '--dir', dir];
    execFile(process.execPath, all, { env, cwd: temporary.path }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), out: stdout + stderr }),
    );
  });
}

/** Every file with its octets. */
function snapshot(): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  return Object.fromEntries(
    names.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(dir.length + 1), readFileSync(path, 'latin1')];
    }),
  );
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}

const versionsOf = async (key: string) => (await tidings.templates.versions.query({ key })).items.length;

describe('a folder of templates', () => {
  test('pulled, pushed and pulled again it is the same to the octet, and no version is made', async () => {
    const odd = {
      'pt-BR': {
        email: { subject: ' Olá\n', preheader: '', html: '<p>x</p>\r\n\r\n', layout: 'default' },
        push: { title: '\t', body: 'Zeile 1\nZeile 2\n\n' },
      },
      en: {
        email: { subject: 'é 漢 😀 \u2028', mjml: '<mjml></mjml>', text: '\ufeffbom' },
        push: {
          title: 't',
          body: 'b',
          url: 'acme://orders/{{ order }}',
          data: { order: '{{ order }}: "a"\n- b\n', yes: 'no', '12': ' 07 ' },
        },
      },
    };
    await tidings.templates.create.mutate({
      key: 'odd',
      content: odd,
      schema: { title: 'no: yes', type: 'object' },
    });
    await tidings.templateParts.upsert.mutate({ kind: 'partial', key: 'footer', mjml: 'm', text: '' });
    expect((await run('pull')).code).toBe(0);
    const first = snapshot();
    expect(first['odd/pt-BR/email.subject.liquid']).toBe(' Ol\u00c3\u00a1\n\n');
    expect(Object.keys(first)).toContain('_layouts/default.html.liquid');
    expect(await run('push', '--publish', '--check')).toMatchObject({ code: 0, out: 'Nothing differs.\n' });
    expect(await run('push')).toMatchObject({ code: 0, out: 'Nothing differs.\n' });
    rmSync(dir, { recursive: true });
    await run('pull');
    expect(snapshot()).toEqual(first);
    expect(await versionsOf('odd')).toBe(1);
    expect((await tidings.templates.get.query({ key: 'odd' })).content).toEqual(odd);
    await tidings.templates.update.mutate({
      key: 'odd',
      revision: (await tidings.templates.get.query({ key: 'odd' })).revision,
      content: { en: { push: { title: 't', body: 'b' } } },
    });
  });

  test('what is new is a draft, with --publish a version; what is the same makes none', async () => {
    write('news/template.yaml', 'category: news\nschema: { type: object, properties: { name: {} } }\n');
    write('news/en/email.subject.liquid', 'News\n');
    write('news/en/email.html.liquid', "<p>{{ name }}</p>{% render 'foot' %}");
    write('_partials/foot.html.liquid', '<i>1</i>');
    expect(await run('push', '--check')).toMatchObject({ code: 1, out: 'added partial/foot\nadded news\n' });
    expect((await run('push')).code).toBe(0);
    const draft = await tidings.templates.get.query({ key: 'news' });
    expect(draft).toMatchObject({ status: 'draft', publishedVersion: null, category: 'news' });
    expect((await run('push', '--publish')).out).toContain('published news as version 1');
    expect(await run('push', '--publish')).toMatchObject({ out: 'Nothing differs.\n' });
    expect(await versionsOf('news')).toBe(1);

    write('_partials/foot.html.liquid', '<i>2</i>');
    expect((await run('push', '--publish')).out).toBe('changed partial/foot\npublished news as version 2\n');
    const seen = await tidings.templates.preview.mutate({ key: 'news', data: { name: 'A' } });
    expect(seen.email?.html).toBe('<p>A</p><i>2</i>');
  });

  test('a checkout with CRLF is the same, and pushed it is no longer by a character', async () => {
    const content = {
      en: {
        email: { subject: 'Hi', layout: 'default', html: '<p>\n</p>\n' },
        push: { title: 't', body: 'Line 1\nLine 2' },
      },
    };
    await tidings.templates.create.mutate({ key: 'windows', content });
    await run('pull');
    for (const [path, text] of Object.entries(snapshot())) {
      writeFileSync(join(dir, path), text.replaceAll('\n', '\r\n'), 'latin1');
    }
    expect(await run('push', '--check')).toMatchObject({ code: 0, out: 'Nothing differs.\n' });
    write('windows/en/email.subject.liquid', 'Hello\r\n');
    expect(await run('push')).toMatchObject({ code: 0, out: 'changed windows\n' });
    expect((await tidings.templates.get.query({ key: 'windows' })).content).toMatchObject({
      en: { email: { subject: 'Hello', layout: 'default' }, push: { title: 't', body: 'Line 1\r\nLine 2' } },
    });
  });

  test('what is wrong is named with its place, and nothing is published', async () => {
    write('wrong/template.yaml', 'onAmbiguous: hold\n');
    write('wrong/en/push.title.liquid', 'x\n');
    write('wrong/en/push.body.liquid', '{{ name\n');
    const { code, out } = await run('push', '--publish');
    expect([code, out]).toEqual([2, expect.stringContaining('/content/en/push/body')]);
    expect((await tidings.templates.get.query({ key: 'wrong' })).publishedVersion).toBeNull();
  });

  test.each<[string, () => void, RegExp]>([
    ['a file of no meaning', () => write('a/en/email.htm', 'x'), /a\/en\/email.htm: has no place/],
    ['a key that is none', () => write('A b/template.yaml', ''), /not the key of a template/],
    ['a template without settings', () => write('a/en/push.body.liquid', 'x'), /a: has no template.yaml/],
    ['a template without content', () => write('a/template.yaml', ''), /a: needs content/],
    ['an unknown setting', () => write('a/template.yaml', 'colour: red'), /colour is not a setting/],
    [
      'a link to elsewhere',
      () => {
        write('a/template.yaml', '');
        symlinkSync('/etc/passwd', join(dir, 'a', 'passwd'));
      },
      /a\/passwd: is a link/,
    ],
    ['a file of 2 MB', () => write('a/template.yaml', 'x'.repeat(2_000_000)), /larger than/],
    [
      'YAML of a billion laughs',
      () => write('a/template.yaml', 'a: &a [x]\nb: &b [*a, *a]\nschema: [*b, *b]'),
      /alias/i,
    ],
  ])('%s is refused', async (_, prepare, message) => {
    prepare();
    expect(await run('push')).toEqual({ code: 2, out: expect.stringMatching(message) });
  });

  test('without a server, or without a command, it says so', async () => {
    expect((await run('stir')).code).toBe(2);
    const { url: real } = { url };
    url = 'http://127.0.0.1:1';
    expect(await run('pull')).toMatchObject({ code: 2, out: expect.stringMatching(/fetch failed/) });
    url = real;
  });
});
