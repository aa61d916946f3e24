import { describe, expect, test } from 'vitest';
import { checkContent, createTemplateEngine, pickLocale, renderEmail } from './index.ts';

const engine = createTemplateEngine();

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
  ])('%s ends with an error, not with a stopped process', (_, text) => {
    const startedAt = performance.now();
    expect(() => renderEmail(engine, { subject: 's', text }, {})).toThrow(/limit/);
    expect(performance.now() - startedAt).toBeLessThan(30_000);
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
