import { describe, expect, test } from 'vitest';
import {
  checkContent,
  createTemplateEngine,
  pickLocale,
  RenderTimeLimit,
  renderEmail,
  renderPush,
} from './index.ts';

const engine = createTemplateEngine();
/** Its time does not end before its other limits are reached. */
const roomy = createTemplateEngine({ renderLimitMs: 20_000 });
const doubled = (tag: string) => `{% assign a = 'xxxx' | split: ',' %}${tag.repeat(30)}{{ a }}`;
const nested = (name: string) =>
  doubled(`{% assign ${name} = ${name} | concat: ${name} | group_by: 'x' | map: 'items' %}`);

describe('rendering', () => {
  test('HTML is escaped, text and subject are not', () => {
    const content = {
      subject: '{{ name }}',
      html: '<a title="{{ name }}">{{ name }}</a>',
      text: '{{ name }}',
    };
    expect(renderEmail(engine, content, { name: '<b>"Ada" & co</b>' })).toEqual({
      subject: '<b>"Ada" & co</b>',
      html: '<a title="&lt;b&gt;&#34;Ada&#34; &amp; co&lt;/b&gt;">&lt;b&gt;&#34;Ada&#34; &amp; co&lt;/b&gt;</a>',
      text: '<b>"Ada" & co</b>',
    });
  });

  test('a subject stays one line whatever its data holds', () => {
    const rendered = renderEmail(engine, { subject: 'Hi {{ name }}', text: '' }, { name: 'x\r\nBcc: y@z' });
    expect(rendered.subject).toBe('Hi x Bcc: y@z');
  });

  test('prototypes and constructors are out of reach', () => {
    const text = '{{ name.constructor }}{{ __proto__ }}{{ constructor.name }}{{ data.toString }}';
    expect(renderEmail(engine, { subject: 's', text }, { name: 'x', data: {} }).text).toBe('');
  });

  test.each([
    ['a range without end', '{% for i in (1..1000000000) %}x{% endfor %}'],
    ['nested loops', `${'{% for i in (1..3000) %}'.repeat(4)}x${'{% endfor %}'.repeat(4)}`],
    ['a long text, forty thousand times', `{% for i in (1..40000) %}${'y'.repeat(10_000)}{% endfor %}`],
    ['a text that captures itself twice', doubled('{% capture a %}{{ a }}{{ a }}{% endcapture %}')],
    ['a list that takes itself in', doubled("{% assign a = a | concat: a | group_by: 'x' | map: 'items' %}")],
    ['two of them that are compared', `${nested('a')}${nested('b')}{% if a == b %}same{% endif %}`],
  ])('%s ends with an error, not with a stopped process', (_, text) => {
    expect(() => roomy.render(text, 'text', {})).toThrow(/limit/);
    expect(() => roomy.render(text, 'html', {})).toThrow(/limit/);
  });

  test.each(['push', 'unshift'])('%s takes no list, which could be itself', (filter) => {
    const text = doubled(`{% assign a = a | ${filter}: a %}`);
    expect(() => roomy.render(text, 'text', {})).toThrow('takes no list');
  });

  test('lists that are joined, grouped and filled in a loop are what they were', () => {
    const text = `{% assign all = '' | split: ',' %}{% for i in a %}{% assign all = all | push: i.n %}{% endfor %}
{%- assign all = all | concat: b | unshift: 0 %}{{ all | join: '-' }} {{ a | map: 'n' }} {{ nested }}`;
    const data = { a: [{ n: 1 }, { n: 2 }], b: [3], nested: [['x'], ['y', null]] };
    expect(engine.render(text, 'text', data)).toBe('0-1-2-3 12 xy');
  });

  test('two million characters are rendered and no more, by one render after the other', () => {
    const long = 'x'.repeat(1_000_000);
    for (let time = 0; time < 3; time += 1) {
      expect(engine.render('{{ a }}{{ a }}', 'text', { a: long })).toHaveLength(2_000_000);
    }
    expect(() => engine.render('{{ a }}{{ a }}.', 'text', { a: long })).toThrow('output limit');
  });

  test('the limit of time is told from all others', () => {
    const hurried = createTemplateEngine({ renderLimitMs: -1 });
    expect(() => hurried.render('{{ a }}', 'text', {})).toThrow(RenderTimeLimit);
    const endless = '{% for i in (1..1000000000) %}x{% endfor %}';
    expect(() => engine.render(endless, 'text', {})).toThrow('memory alloc limit exceeded');
  });
});

test('many large sources of their own do not fill the memory', () => {
  const roomy = createTemplateEngine();
  const before = process.memoryUsage().heapUsed;
  for (let source = 0; source < 60; source += 1) {
    roomy.compile(`${source}${'<p>{{ name }}</p>'.repeat(4000)}`, 'html');
  }
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(600_000_000);
});

describe('checking', () => {
  test('broken Liquid is named with its place', () => {
    const faults = checkContent(engine, {
      email: { subject: '{{ name', html: '<p>{% if x %}</p>', text: 'fine' },
      push: { title: '{{ x | nosuchfilter }}', body: '{% include "/etc/passwd" %}' },
    });
    expect(faults.map(({ pointer }) => pointer)).toEqual([
      '/content/email/subject',
      '/content/email/html',
      '/content/push/title',
      '/content/push/body',
    ]);
  });
});

describe('locales', () => {
  const email = (...names: string[]) => Object.fromEntries(names.map((name) => [name, { email: {} }]));
  test.each([
    ['pt-BR', 'en', 'pt-BR'],
    ['fr-CA', 'en', 'fr'],
    ['FR', 'en', 'fr'],
    ['zh-Hant-TW', 'en', 'zh-Hant'],
    ['de', 'fr-CA', 'fr'],
    ['de', 'it', 'en'],
    [null, 'fr', 'fr'],
  ])('asked for %s, in a project in %s, it is %s', (wanted, projectLocale, expected) => {
    const content = email('en', 'fr', 'pt-BR', 'zh-Hant');
    expect(pickLocale(content, 'email', wanted, projectLocale)).toBe(expected);
  });

  test('with nothing better there is the first, and a locale without the channel is passed over', () => {
    expect(pickLocale(email('it', 'es'), 'email', 'de', 'sv')).toBe('it');
    const content = { fr: { push: {} }, en: { push: {}, email: {} } };
    expect(pickLocale(content, 'email', 'fr', 'fr')).toBe('en');
    expect(pickLocale(content, 'push', 'fr', 'fr')).toBe('fr');
    expect(pickLocale({ fr: { push: {} } }, 'email', 'fr', 'fr')).toBeUndefined();
  });
});

describe('what a push opens and brings', () => {
  const push = (url: string, data: Record<string, unknown> = {}, extra?: Record<string, string>) =>
    renderPush(engine, { title: 't', body: 'b', url, data: extra }, data);

  test('is rendered as the rest, and an empty URL is none', () => {
    const data = { order: 'A-17', app: 'acme' };
    expect(push('https://acme.example/{{ order }}', data, { order: '{{ order }}', plain: 'x' })).toEqual({
      title: 't',
      body: 'b',
      url: 'https://acme.example/A-17',
      data: { order: 'A-17', plain: 'x' },
    });
    expect(push(' {{ app }}://orders/{{ order }}\n', data).url).toBe('acme://orders/A-17');
    expect(push('{{ link }}')).toEqual({ title: 't', body: 'b' });
  });

  test.each([
    'javascript:alert(1)',
    'JAVASCRIPT:alert(1)',
    ' java\nscript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'vbscript:x',
    'blob:https://acme.example/1',
    '/orders/1',
    'https://',
    `https://acme.example/${'x'.repeat(2000)}`,
  ])('%j, from the data, is no URL to open', (link) => {
    expect(() => push('{{ link }}', { link })).toThrow(/^url /);
  });

  test('is bounded once it is rendered', () => {
    const long = { word: 'é'.repeat(1021) };
    expect(push('', long, { order: '{{ word }}' }).data?.order).toHaveLength(1021);
    expect(() => push('', long, { order_id: '{{ word }}' })).toThrow('data has more than 2048 octets');
  });
});
