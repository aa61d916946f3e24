import { type PartSource, type TemplateSource, TidingsError } from '@tidings/contracts';
import { afterAll, describe, expect, test } from 'vitest';
import {
  buildVersion,
  createMjmlThread,
  createSchemas,
  createTemplateEngine,
  defaultParts,
  defaultTemplates,
  renderEmail,
} from './index.ts';

const mjml = createMjmlThread();
afterAll(() => mjml.stop());
const engine = createTemplateEngine();
const tools = { engine, schemas: createSchemas(), runMjml: mjml.run };

async function build(
  source: TemplateSource,
  options: {
    schema?: Record<string, unknown>;
    parts?: Record<string, PartSource>;
    defaultLocale?: string;
  } = {},
) {
  const { schema = {}, parts = {}, defaultLocale = 'en' } = options;
  return buildVersion(tools, {
    source,
    schema,
    findPart: (kind, key) => parts[`${kind}/${key}`],
    defaultLocale,
  });
}

const html = (source: string) => ({ en: { email: { subject: 's', html: source } } });

async function rendered(
  source: TemplateSource,
  data: Record<string, unknown>,
  parts?: Record<string, PartSource>,
) {
  const { content, findings } = await build(source, { parts });
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  return renderEmail(engine, content.en?.email ?? { subject: '' }, data, 'en');
}

describe('layouts and partials', () => {
  test('are taken in, in HTML and in text', async () => {
    const parts = {
      'layout/main': { html: '<body>{% content %}<i>{{ locale }}</i></body>', text: '{% content %}-- \nUs' },
      'partial/button': { html: '<a href="{{ href }}">{{ label }}</a>', text: '{{ label }}: {{ href }}' },
    };
    const email = {
      layout: 'main',
      subject: 's',
      preheader: 'Before {{ name }}',
      html: "<p>{{ name }}</p>{% render 'button', href: link, label: 'Go' %}",
      text: "{{ name }} {% render 'button', href: link, label: 'Go' %}\n",
    };
    const { content, parts: taken } = await build({ en: { email } }, { parts });
    expect(Object.keys(taken)).toEqual(['layout/main', 'partial/button']);
    expect(JSON.stringify(content)).not.toContain('render');
    expect(await rendered({ en: { email } }, { name: '<A>', link: 'https://x.example' }, parts)).toEqual({
      subject: 's',
      html: '<body>\n<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">\nBefore &lt;A&gt;</div><p>&lt;A&gt;</p><a href="https://x.example">Go</a><i>en</i></body>',
      text: '<A> Go: https://x.example\n-- \nUs',
    });
  });

  test('a partial sees what it is given and nothing else', async () => {
    const parts = { 'partial/p': { html: '[{{ a }}{{ b }}{% assign c = 1 %}]' } };
    const source = html("{% assign b = 2 %}{% render 'p', a: x.y %}{{ c }}");
    expect((await rendered(source, { x: { y: 1 }, b: 3 }, parts)).html).toBe('[1]');
  });

  test('partials in partials, in loops, and tags in raw', async () => {
    const parts = {
      'partial/row': { html: "<li>{% render 'name', name: item.name %}</li>" },
      'partial/name': { html: '<b>{{ name }}</b>' },
    };
    const source = html(
      "{% for i in items %}{% render 'row', item: i %}{% endfor %}{% raw %}{% render 'x' %}{% endraw %}",
    );
    expect((await rendered(source, { items: [{ name: 'A' }, { name: 'B' }] }, parts)).html).toBe(
      "<li><b>A</b></li><li><b>B</b></li>{% render 'x' %}",
    );
  });

  const circle = { 'partial/a': { html: "{% render 'b' %}" }, 'partial/b': { html: "{% render 'a' %}" } };
  const doubling = Object.fromEntries(
    Array.from({ length: 8 }, (_, at) => [
      `partial/p${at}`,
      {
        html: `${'x'.repeat(50_000)}{% render 'p${at + 1}' %}{% render 'p${at + 1}' %}{% render 'p${at + 1}' %}`,
      },
    ]),
  );
  test.each<[string, string, Record<string, PartSource>, RegExp]>([
    ['one that is missing', "{% render 'nosuch' %}", {}, /no partial "nosuch"/],
    ['a circle', "{% render 'a' %}", circle, /contains itself/],
    ['a name from a variable', '{% render name %}', {}, /must be/],
    ['a file', "{% render '/etc/passwd' %}", {}, /must be/],
    [
      'nine within each other',
      "{% render 'p0' %}",
      { ...doubling, 'partial/p8': { html: '' } },
      /longer than|within/,
    ],
  ])('%s is refused', async (_, source, parts, detail) => {
    const { findings } = await build(html(source), { parts });
    expect(findings).toMatchObject([
      { severity: 'error', pointer: '/content/en/email/html', detail: expect.stringMatching(detail) },
    ]);
  });

  test('what is commented out is neither taken in nor the place for the content', async () => {
    const parts = {
      'layout/l': { html: '{% comment %}put {% content %} here{% endcomment %}<b>{% content %}</b>' },
    };
    const email = { subject: 's', layout: 'l', html: "{% comment %}{% render 'old' %}{% endcomment %}x" };
    expect((await rendered({ en: { email } }, {}, parts)).html).toBe('<b>x</b>');
  });

  const preheaded = async (source: string, parts?: Record<string, PartSource>) => {
    const email = { subject: 's', html: source, preheader: "{% render 'p' %}" };
    const { html: made } = await rendered(
      { en: { email } },
      { n: 2 },
      { 'partial/p': { html: 'PRE' }, ...parts },
    );
    return made?.replace(/<div style="display:none[^>]*>\s*PRE<\/div>/, '[PRE]').replaceAll('\n', '');
  };

  test('a preheader takes partials in, and stands right after the body tag that all see', async () => {
    const outlook = '<!--[if mso]><body class="mso"><![endif]--><!--[if !mso]><!-->';
    expect(await preheaded(`${outlook}<body class="b"><!--<![endif]-->x`)).toBe(
      `${outlook}<body class="b">[PRE]<!--<![endif]-->x`,
    );
    expect(await preheaded('<body {% if n > 1 %}class="x"{% endif %}>x')).toBe('<body class="x">[PRE]x');
    expect(await preheaded('<!-- <body> never ends')).toBe('[PRE]<!-- <body> never ends');
  });

  test.each(['{{ name', "{% render 'nosuch' %}"])(
    'what is wrong with a preheader is told of it: %s',
    async (preheader) => {
      const { findings } = await build({ en: { email: { subject: 's', html: '<p>x</p>', preheader } } });
      expect(findings).toMatchObject([{ severity: 'error', pointer: '/content/en/email/preheader' }]);
    },
  );

  test('a layout without a place for the content is refused', async () => {
    const source = { en: { email: { subject: 's', html: 'x', layout: 'l' } } };
    const { findings } = await build(source, { parts: { 'layout/l': { html: 'nothing' } } });
    expect(findings).toMatchObject([{ severity: 'error', rule: 'part' }]);
  });
});

describe('MJML', () => {
  const body = (inner: string) =>
    `<mjml><mj-body><mj-section><mj-column>${inner}</mj-column></mj-section></mj-body></mjml>`;
  const source = (inner: string) => ({ en: { email: { subject: 's', mjml: body(inner) } } });

  test('Liquid comes through: in texts, in attributes, and between components', async () => {
    const given = source(
      '{% for item in items %}<mj-text>{{ item.name | upcase }} {% if item.gift %}gift{% endif %}</mj-text>{% endfor %}\n' +
        '<mj-button href="{{ link | append: "?a=1" }}" background-color="{{ colour }}">Go</mj-button>',
    );
    const { html: made = '', text = '' } = await rendered(given, {
      items: [{ name: 'a<b', gift: true }, { name: 'c' }],
      link: 'https://x.example/',
      colour: '#123456',
    });
    expect(made).toContain('A&lt;B gift');
    expect(made).toContain('href="https://x.example/?a=1"');
    expect(made).toContain('#123456');
    expect(made).not.toMatch(/lq[0-9a-f]{12}n/);
    expect(made.indexOf('A&lt;B')).toBeLessThan(made.indexOf('>C '));
    expect(text).toContain('A<B gift');
  });

  test('what is written in a text or an attribute is not taken for a component', async () => {
    const given = source(
      '<!-- <mj-text> --><mj-text css-class="a > b">1 < 2 {% if yes %}yes{% endif %}</mj-text>{% if no %}<mj-spacer />{% endif %}<mj-text>end</mj-text>',
    );
    const { html: made = '' } = await rendered(given, { yes: true });
    expect(made).toContain('1 < 2 yes');
    expect(made).not.toContain('{%');
  });

  test('half a megabyte of Liquid in MJML harms nobody', async () => {
    const { findings } = await build(source(`<mj-text>${'{% assign a = 1 %}'.repeat(28_000)}</mj-text>`));
    expect(Array.isArray(findings)).toBe(true);
  });

  test('a mistake is named with its line', async () => {
    const { findings } = await build(source('\n<mj-text colour="red">x</mj-text>\n<mj-nosuch />'));
    expect(findings.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^line 2: .*colour/),
      expect.stringMatching(/^line 3: .*mj-nosuch/),
    ]);
  });

  test('nothing is included, whatever it asks for', async () => {
    const { findings } = await build(source('<mj-include path="/etc/passwd" type="html" />'));
    expect(findings).toMatchObject([
      { severity: 'error', rule: 'mjml', detail: 'line 1: mj-include is not allowed' },
    ]);
  });

  test.each([
    ['before it', '{% assign a = "x" %}\n<mjml><mj-body><mj-raw>{{ a }}</mj-raw></mj-body></mjml>', 1],
    ['directly in it', '<mjml>\n{{ a }}<mj-body><mj-raw>{{ a }}</mj-raw></mj-body></mjml>', 2],
    ['between components', '<mjml><mj-body>\n\n{{ a }}</mj-body></mjml>', 3],
  ])('Liquid that would be lost is a mistake: %s', async (_, mjmlSource, line) => {
    const { findings } = await build({ en: { email: { subject: 's', mjml: mjmlSource } } });
    expect(findings).toMatchObject([
      { severity: 'error', rule: 'mjml', detail: expect.stringMatching(`line ${line}: .* would be lost`) },
    ]);
  });

  test('comments may stand anywhere', async () => {
    const mjmlSource =
      '{% comment %}{{ a }}{% endcomment %}<mjml>{% # b %}<!-- {{ c }} --><mj-body><mj-raw>x</mj-raw></mj-body></mjml>';
    expect((await rendered({ en: { email: { subject: 's', mjml: mjmlSource } } }, {})).text).toBe('x');
  });

  const locales = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, at) => [
        `en-${100 + at}`,
        { email: { subject: 's', mjml: body('x') } },
      ]),
    );
  const withRun = (runMjml: typeof mjml.run, count: number) =>
    buildVersion(
      { ...tools, runMjml },
      { source: locales(count), schema: {}, findPart: () => undefined, defaultLocale: 'en' },
    );

  test('after a locale with mistakes, and after 20 seconds, no other is compiled', async () => {
    let runs = 0;
    const answer = (result: Awaited<ReturnType<typeof mjml.run>>) => async () => {
      runs += 1;
      return result;
    };
    const faulty = await withRun(answer({ html: '', faults: [{ line: 1, message: 'no' }], tookMs: 1 }), 5);
    expect([runs, faulty.findings.length]).toEqual([1, 1]);
    runs = 0;
    const slow = await withRun(answer({ html: 'x', faults: [], tookMs: 8000 }), 9);
    expect(runs).toBe(3);
    expect(slow.findings).toMatchObject([{ rule: 'mjml', pointer: '/content/en-103/email/mjml' }]);
    runs = 0;
    const large = await withRun(answer({ html: 'x'.repeat(900_000), faults: [], tookMs: 1 }), 9);
    expect(runs).toBe(5);
    expect(large.findings).toMatchObject([{ rule: 'too_large', pointer: '/content' }]);
  });

  test('what becomes more than a million characters is refused, and never leaves the thread', async () => {
    const { html: made, faults } = await mjml.run(body('<mj-text>x</mj-text>'.repeat(3000)));
    expect([made, faults]).toEqual([
      '',
      [expect.objectContaining({ message: expect.stringContaining('HTML') })],
    ]);
  });

  test('of too many at once some are refused for now', async () => {
    const thread = createMjmlThread({ waitingAtMost: 2 });
    const runs = Array.from({ length: 5 }, () => thread.run(body('<mj-text>x</mj-text>')));
    const ends = (await Promise.allSettled(runs)).map(({ status }) => status);
    expect(ends).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected']);
    await expect(runs[4]).rejects.toMatchObject({ code: 'overloaded' });
    expect((await thread.run(body('<mj-text>again</mj-text>'))).html).toContain('again');
    await thread.stop();
    const overloaded = withRun(() => Promise.reject(new TidingsError('overloaded')), 2);
    await expect(overloaded).rejects.toMatchObject({ code: 'overloaded' });
  });

  test('HTML goes into a layout in MJML', async () => {
    const parts = { 'layout/l': { mjml: body('<mj-text>{% content %}</mj-text>') } };
    const email = { subject: 's', html: '<b>{{ name }}</b>', layout: 'l' };
    expect((await rendered({ en: { email } }, { name: 'Ada' }, parts)).html).toContain('<b>Ada</b>');
  });

  test('what takes too long is given up, and the next one is compiled', async () => {
    const thread = createMjmlThread({ limitMs: 5 });
    await expect(thread.run(body('<mj-text>x</mj-text>'.repeat(20_000)))).rejects.toThrow(/limits/);
    await thread.stop();
    expect((await mjml.run(body('<mj-text>fine</mj-text>'))).html).toContain('fine');
  });
});

describe('a text part that nobody wrote', () => {
  test('is made of what was rendered: links, lists, tables and loops', async () => {
    const source = html(
      `<div style="display:none">hidden</div><h1>Hello {{ name }}</h1><p>See <a href="{{ link }}">your order</a>.</p>
<ol>{% for item in items %}<li>{{ item.name }}</li>{% endfor %}</ol>
<table role="presentation"><tr><td>Layout</td></tr></table>
<table><tr><th>What</th><th>Price</th></tr>{% for item in items %}<tr><td>{{ item.name }}</td><td>{{ item.price }}</td></tr>{% endfor %}</table>
{% if none %}<p>Never</p>{% endif %}`,
    );
    const { text } = await rendered(source, {
      name: 'Ada & Bob',
      link: 'https://x.example/?a=1&b=2',
      items: [
        { name: 'Ink', price: '3 €' },
        { name: 'Paper', price: '12 €' },
      ],
    });
    expect(text).toBe(
      [
        'Hello Ada & Bob\n',
        'See your order [https://x.example/?a=1&b=2].\n',
        ' 1. Ink',
        ' 2. Paper\n',
        'Layout\n',
        'What    Price',
        'Ink     3 €',
        'Paper   12 €',
      ].join('\n'),
    );
  });

  test.each([
    ['<div style="DISPLAY : none !important">no</div>', ''],
    ['<div style="color:red; display: none;">no</div>', ''],
    ['<p hidden>no</p><p hidden="until-found">no</p>', ''],
    ['<p style="display:block">yes</p>', 'yes'],
    ['<head><title>no</title></head><body>yes</body>', 'yes'],
  ])('has nothing that is hidden: %s', async (source, expected) => {
    expect((await rendered(html(source), {})).text).toBe(expected);
  });

  const filled = (rows: number, cells: string) => `<table>${`<tr>${cells}</tr>`.repeat(rows)}</table>`;
  test.each<[string, string, RegExp]>([
    ['a cell over a thousand columns', '<table><tr><td colspan="1000000000">a</td></tr></table>', /^a$/],
    ['a cell over a million rows', '<table><tr><td rowspan="1e9">a</td></tr></table>', /^a$/],
    ['cells over nothing', '<table><tr><td colspan="-5">a</td><td rowspan="x">b</td></tr></table>', /^a +b$/],
    ['a list that begins nowhere', '<ol start="1e999" type="i"><li>a</li></ol>', /^ i\. a$/],
    ['a list that begins late', '<ol start="99999999999" type="a"><li>a</li></ol>', /^ a\. a$/],
    ['five thousand Roman numerals', `<ol type="I">${'<li>a</li>'.repeat(5000)}</ol>`, /^ 5000\. a$/m],
    ['many cells over many places', filled(500, '<td rowspan="100" colspan="100">a</td>'), /^(a\s*){500}$/],
    ['a table of five thousand rows', filled(5000, '<td>a</td>'), /^(a\n?){5000}$/],
    ['a table of five thousand columns', filled(1, '<td>a</td>'.repeat(5000)), /^(a ?){5000}\n?$/],
    ['a table in a table, a thousand deep', '<table><tr><td>'.repeat(1000), /^(\.\.\.)?$/],
  ])('%s harms nobody', async (_, source, expected) => {
    expect((await rendered(html(source), {})).text).toMatch(expected);
  });

  const unread = '<head><title>no</title></head><style>p > a { x }</style><!--[if mso]><p>no</p><![endif]-->';
  test.each([
    [
      'too deep',
      '<table>{% for i in (1..1300) %}<center><center><center><center><center><center><center><center><center><center>{% endfor %}<tr><td>1 < 2 &amp; <b>3</b></td></tr></table>',
    ],
    [
      'too many tags',
      '1 < 2 &amp; <b>3</b>{% for i in (1..4000) %}<i><i><i><i><i><i><i><i><i><i>{% endfor %}',
    ],
  ])('what cannot be laid out is its words, and the mail goes out: %s', async (_, source) => {
    const { text } = await rendered(html(unread + source), {});
    expect(text?.replaceAll('\n', ' ')).toBe('1 < 2 & 3');
  });

  test('one that somebody wrote is left alone', async () => {
    const source = { en: { email: { subject: 's', html: '<p>x</p>', text: 'mine' } } };
    expect((await rendered(source, {})).text).toBe('mine');
  });
});

describe('what the lint finds', () => {
  const schema = {
    type: 'object',
    properties: {
      name: { type: 'string' },
      link: { type: 'string', format: 'http-url' },
      items: { type: 'array' },
      links: { type: 'array', items: { properties: { url: { format: 'http-url' } } } },
    },
  };
  const rulesOf = async (source: string, more: Record<string, unknown> = {}) =>
    (await build(html(source), { schema: { ...schema, ...more } })).findings.map(
      ({ severity, rule }) => `${severity} ${rule}`,
    );

  test.each<[string, string, string[]]>([
    [
      'nothing in what is well made',
      '<a href="{{ link }}">{{ name }}</a>{% for i in items %}{{ i.x }}{% endfor %}',
      [],
    ],
    ['an undeclared variable', '{{ nmae }}', ['warning undeclared_variable']],
    [
      'an undeclared variable in a condition',
      '{% if x.y == name %}{% endif %}',
      ['warning undeclared_variable'],
    ],
    ['a script as a link', '<a href=" java\tscript:alert(1)">x</a>', ['error script_link']],
    ['a link of any scheme', '<a href="{{ name }}">x</a>', ['warning unchecked_link']],
    [
      'a link that a loop or a partial passes on',
      "{% for i in links %}{% scope href: i.url %}<a href='{{ href }}'>x</a>{% endscope %}{% endfor %}",
      [],
    ],
    [
      'a link that was changed on its way',
      "{% assign link = name %}<a href='{{ link }}'>x</a>",
      ['warning unchecked_link'],
    ],
    ['an attribute without quotes', '<p class={{ name }}>x</p>', ['error unquoted_attribute']],
    ['an output in the place of an attribute', '<p {{ name }}>x</p>', ['error attribute_place']],
    ['an output after an attribute', '<p class="a"{{ name }}>x</p>', ['error attribute_place']],
    ['an output in the name of an attribute', '<p on{{ name }}="x">x</p>', ['error attribute_place']],
    ['an output in the place of a tag', '<{{ name }}>', ['error tag_place']],
    ['a tag that is never closed, over and over', '<b>'.repeat(20_000), ['error nesting']],
    ['as many void tags side by side', '<br>'.repeat(20_000), []],
    ['an output in the name of a tag', '<h{{ name }}>x</h{{ name }}>', ['error tag_place']],
    ['a condition around an attribute', '<p {% if name %}dir="rtl"{% endif %}>1 < {{ name }}</p>', []],
    ['a link that begins like a script', '<a href="javascript-intro.html">x</a>', []],
    ['an event handler', '<p onclick="f(\'{{ name }}\')">x</p>', ['error script_place']],
    ['a variable in a script', '<script>var a = "{{ name }}"</script>', ['error script_place']],
    ['a variable in a style', '<style>{{ name }}</style>', ['error style_place']],
    [
      'what is not escaped',
      '{{ name | raw }}{% echo name | raw %}',
      ['warning unescaped', 'warning unescaped'],
    ],
    ['another way to write it', '<p class={% echo name %}>x</p>', ['error unquoted_attribute']],
    ['an unknown filter', '{{ name | nosuch }}', ['error liquid']],
    ['an unknown tag', '{% nosuch %}', ['error liquid']],
    ['an unclosed tag', '{% if name %}', ['error liquid']],
    ['an unclosed scope', '{% scope a: name %}', ['error liquid']],
    ['HTML that Gmail clips', 'x'.repeat(110_000), ['warning large_html']],
  ])('%s', async (_, source, rules) => {
    expect(await rulesOf(source)).toEqual(rules);
  });

  test.each([
    ['{{ link }}/x', '{{ name }}', []],
    ['acme://orders/{{ name }}', "{% render 'foot' %}", []],
    ['{{ name }}', 'x', ['unchecked_link /content/en/push/url']],
    ['{{ lnik }}', 'x', ['undeclared_variable /content/en/push/url', 'unchecked_link /content/en/push/url']],
    ['acme:x', '{{ nmae }}', ['undeclared_variable /content/en/push/data/order']],
    ['acme:x', '{{ name', ['liquid /content/en/push/data/order']],
    ['{% if %}', 'x', ['liquid /content/en/push/url']],
  ])('what a push opens and brings: %s, %s', async (url, order, expected) => {
    const source = { en: { push: { title: 't', body: 'b', url, data: { order } } } };
    const { content, findings } = await build(source, {
      schema,
      parts: { 'partial/foot': { text: 'foot' } },
    });
    expect(findings.map(({ rule, pointer }) => `${rule} ${pointer}`)).toEqual(expected);
    if (order.includes('foot')) expect(content.en?.push?.data?.order).toContain('foot');
  });

  test('what a layout makes too large in all its locales is an error', async () => {
    const locales = Array.from({ length: 20 }, (_, at) => `en-${String(at).padStart(3, '0')}`);
    const email = { subject: 's', html: 'x', layout: 'l' };
    const source = Object.fromEntries(locales.map((locale) => [locale, { email }]));
    const parts = { 'layout/l': { html: `${'y'.repeat(250_000)}{% content %}` } };
    const { findings } = await build(source, { parts });
    expect(findings).toContainEqual(expect.objectContaining({ severity: 'error', rule: 'too_large' }));
  });

  test('a variable that the schema forbids is an error', async () => {
    expect(await rulesOf('{{ other }}', { additionalProperties: false })).toEqual([
      'error undeclared_variable',
    ]);
  });

  test('what every template knows needs no declaration', async () => {
    const source = '{{ recipient.name }} {{ locale }} {{ name }} <a href="{{ unsubscribeUrl }}">x</a>';
    expect(await rulesOf(source, { additionalProperties: false })).toEqual([]);
  });

  test('a partial knows where to unsubscribe too, and a value of that name comes first', () => {
    const engine = createTemplateEngine();
    const email = { subject: 's', text: "{% scope a: 'x' %}{{ unsubscribeUrl }}{% endscope %}" };
    const own = { subject: 's', text: '{{ unsubscribeUrl }}' };
    expect(renderEmail(engine, email, {}, 'en', 'https://a.example/u/1').text).toBe('https://a.example/u/1');
    expect(renderEmail(engine, own, { unsubscribeUrl: 'mine' }, 'en', 'https://a.example/u/1').text).toBe(
      'mine',
    );
    expect(renderEmail(engine, own, {}, 'en').text).toBe('');
  });

  test('a link to unsubscribe that a template is given is checked as any other', async () => {
    const own = { properties: { unsubscribeUrl: { type: 'string' } } };
    expect(await rulesOf('<a href="{{ unsubscribeUrl }}">x</a>', own)).toEqual(['warning unchecked_link']);
  });

  test('a long subject, and a channel without the locale of the project', async () => {
    const source = {
      fr: { email: { subject: 'x'.repeat(80), text: 't' } },
      de: { push: { title: 't', body: 'b' } },
    };
    const { findings } = await build(source, { defaultLocale: 'de-AT' });
    expect(findings.map(({ rule }) => rule)).toEqual(['long_subject', 'missing_locale']);
  });

  test.each([
    ['20,000 nested blocks', `${'{% if name %}'.repeat(20_000)}${'{% endif %}'.repeat(20_000)}`],
    ['100,000 open brackets', '{{'.repeat(100_000)],
    ['half a megabyte of tags', '<a href="'.repeat(50_000)],
    ['half a megabyte of links', "<a href='{{ name }}'>".repeat(24_000)],
    ['half a megabyte of one word', `{% scope ${'a'.repeat(500_000)} %}{% endscope %}`],
    ['half a megabyte of words', `{% scope a: "${"b:'".repeat(160_000)}" %}{% endscope %}`],
    ['half a megabyte of bodies', '<body '.repeat(80_000)],
  ])('%s harm nobody', async (_, source) => {
    const email = { subject: 's', preheader: 'p', html: source };
    expect(Array.isArray((await build({ en: { email } })).findings)).toBe(true);
  });

  test('a subject of half a megabyte of open brackets harms nobody', async () => {
    const subject = `{% raw %}${'{{'.repeat(250_000)}{% endraw %}`;
    const { findings } = await build({ en: { email: { subject, text: 't' } } });
    expect(findings.map(({ rule }) => rule)).toEqual(['not_looked_through', 'long_subject']);
  });
});

describe('the default templates', () => {
  const parts = Object.fromEntries(defaultParts.map(({ kind, key, source }) => [`${kind}/${key}`, source]));

  test.each(defaultTemplates.map((template) => [template.key, template] as const))(
    '%s is without a finding, in three languages',
    async (_, { content, schema }) => {
      const { findings } = await build(content, { schema, parts });
      expect(findings).toEqual([]);
      expect(Object.keys(content)).toEqual(['en', 'fr', 'es']);
    },
  );

  test('the welcome has no line that would have it encoded', async () => {
    const welcome = defaultTemplates.find(({ key }) => key === 'welcome_email');
    const { content } = await build(welcome?.content ?? {}, { parts });
    const { html = '' } = renderEmail(engine, content.en?.email ?? { subject: '' }, {
      name: 'Ada Lovelace',
      link: 'https://example.com/confirm?token=0123456789abcdef',
    });
    expect(html.split('\n').filter((line) => line.length > 76)).toEqual([]);
    expect(html).toContain('Ada Lovelace');
  });

  test('each e-mail has its push twin', () => {
    expect(defaultTemplates.map(({ key }) => key)).toEqual([
      'welcome_email',
      'welcome_push',
      'password_reset',
      'password_reset_push',
      'order_confirmation',
      'order_confirmation_push',
      'order_shipped',
      'order_shipped_push',
    ]);
  });
});
