import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../test/support/api.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

const sendHtml = (html: string) =>
  tested.call('POST', '/v1/notifications', {
    to: { email: 'ada@example.com' },
    content: { email: { subject: 'Hi', html } },
  });

describe('content that is not valid Liquid is refused at once, with its place', () => {
  test.each([
    ['an unclosed output', '{{ name'],
    ['an unclosed tag', '{% if x '],
    ['an unclosed block', '{% if x %}'],
    ['a block closed twice', '{% if x %}{% endif %}{% endif %}'],
    ['an unknown tag', '{% system "ls" %}'],
    ['an unknown filter', '{{ name | exec }}'],
    ['an included file', '{% include "/etc/passwd" %}'],
    ['a rendered file', '{% render "/etc/passwd" %}'],
    ['a layout', '{% layout "/etc/passwd" %}'],
    ['a nested unclosed block', '{% for a in b %}{% if x %}{% endfor %}'],
    ['100,000 open brackets', '{{'.repeat(100_000)],
    ['20,000 open blocks', '{% if x %}'.repeat(20_000)],
  ])('%s', async (_, html) => {
    const answer = await sendHtml(html);
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'invalid_template', errors: [{ pointer: '/content/email/html' }] },
    });
    expect(answer.text.length).toBeLessThan(2000);
  });
});

describe('content that would only be harmful when it is rendered does nothing at the accept', () => {
  test.each([
    ['escapes to a constructor', '{{ "".constructor.constructor("return process")() }}'],
    ['prototypes', '{{ __proto__.polluted }}{{ constructor.prototype }}'],
    ['a loop without end', '{% for i in (1..1000000000) %}{{ i }}{% endfor %}'],
    ['a script', '<script>alert(1)</script><a href="javascript:alert(1)">x</a>'],
    ['20,000 nested blocks', `${'{% if x %}'.repeat(20_000)}${'{% endif %}'.repeat(20_000)}`],
  ])('%s', async (_, html) => {
    const startedAt = performance.now();
    const { status } = await sendHtml(html);
    expect([202, 422]).toContain(status);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect((await sendHtml('<p>fine</p>')).status).toBe(202);
  });
});

test('content beyond its limit is refused', async () => {
  expect(await sendHtml('x'.repeat(512 * 1024 + 1))).toMatchObject({
    status: 400,
    body: { code: 'invalid_request', errors: [{ pointer: '/content/email/html' }] },
  });
});

test.each(['javascript:alert(1)', 'data:text/html,x', '/relative', 'https//no', ''])(
  'a variable that must be a web address cannot be %j',
  async (link) => {
    const body = { to: { email: 'a@example.com' }, template: 'welcome_email', data: { name: 'Ada', link } };
    expect(await tested.call('POST', '/v1/notifications', body)).toMatchObject({
      status: 422,
      body: { code: 'invalid_variables', errors: [{ pointer: '/data/link' }] },
    });
  },
);

test('of two faults that of the recipient is told, also where it is found last', async () => {
  const slow = await openTestApi({
    changeStore: ({ findRecipient }) => ({
      findRecipient: async (...asked) => {
        await new Promise(setImmediate);
        return findRecipient(...asked);
      },
    }),
  });
  const answer = await slow.call('POST', '/v1/notifications', {
    to: { recipientId: 'nobody' },
    content: { email: { subject: 'Hi', text: '{{ name' } },
  });
  expect(answer).toMatchObject({ status: 422, body: { code: 'recipient_not_found' } });
  await slow.close();
});
