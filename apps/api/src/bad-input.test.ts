import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, openTestApi, type TestApi } from '../../../test/support/api.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

const good = { to: { email: 'ada@example.com' }, content: { email: { subject: 's', text: 't' } } };
const send = (body: unknown) => tested.call('POST', '/v1/notifications', body);

/** Whatever a test sent, the next request is answered as if nothing had been. */
afterEach(async () => {
  expect((await send(good)).status).toBe(202);
});

function expectRefused(answer: Answer, pointer?: string): void {
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect(answer.body).toMatchObject({ status: answer.status, code: expect.stringMatching(/^[a-z_]+$/) });
  if (pointer === undefined) return;
  expect(answer.body).toMatchObject({
    errors: expect.arrayContaining([expect.objectContaining({ pointer })]),
  });
}

describe('JSON that is not to be had is refused', () => {
  const text = JSON.stringify(good);
  const withData = (json: string) => text.replace(/}$/, `,"data":${json}}`);
  const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

  test.each([
    ['no body', ''],
    ['white space', ' \n'],
    ['truncated', text.slice(0, -1)],
    ['something after its end', `${text}{}`],
    ['a byte order mark', `\ufeff${text}`],
    ['single quotes', "{'to':1}"],
    ['a comment', `/* hi */${text}`],
    ['NaN', withData('{"x":NaN}')],
    ['33 levels', withData(nested(32))],
    ['100,000 levels', nested(100_000)],
    ['100,000 open lists', '['.repeat(100_000)],
    ['the same key twice', withData('{"a":1,"a":2}')],
    ['the same key twice, once escaped', withData('{"a":1,"\\u0061":2}')],
    ['the same field twice', text.replace('{', '{"lane":"high","lane":"bulk",')],
  ])('%s', async (_, body) => {
    const answer = await send(body);
    expectRefused(answer);
    expect(answer.body.code).toBe('invalid_json');
  });

  test.each([
    ['__proto__', '{"__proto__":{"admin":true}}', '/data/__proto__'],
    ['__proto__ deep down', '{"a":[{"__proto__":1}]}', '/data/a/0/__proto__'],
    ['__proto__ escaped', '{"__pro\\u0074o__":1}', '/data/__proto__'],
    ['NUL', '{"a":"x\\u0000y"}', '/data/a'],
    ['a lone high surrogate', '{"a":"\\ud800"}', '/data/a'],
    ['a lone low surrogate in a list', '{"a":["","\\udfff!"]}', '/data/a/1'],
    ['1e400', '{"a":1e400}', '/data/a'],
    ['-1e400', '{"a":[-1e400]}', '/data/a/0'],
  ])('%s, with its place', async (_, json, pointer) => {
    const answer = await send(withData(json));
    expectRefused(answer, pointer);
    expect(answer.body.code).toBe('invalid_json');
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  test('a lone surrogate or NUL in a key', async () => {
    expectRefused(await send(withData('{"\\ud800":1}')));
    expectRefused(await send(withData('{"a\\u0000":1}')));
  });

  test.each([
    ['an overlong form', [0xc0, 0x80]],
    ['a surrogate in UTF-8', [0xed, 0xa0, 0x80]],
    ['a lone byte', [0xff]],
    ['UTF-16', [...Buffer.from(text, 'utf16le')]],
  ])('invalid UTF-8: %s', async (_, bytes) => {
    const body = Buffer.concat([Buffer.from('{"x":"'), Buffer.from(bytes), Buffer.from('"}')]);
    expectRefused(await send(new Uint8Array(body)));
  });

  test.each([
    ['a list', []],
    ['a text', '"x"'],
    ['a number', '1'],
    ['null', 'null'],
  ])('%s instead of an object', async (_, body) => {
    expectRefused(await send(body));
    expectRefused(await tested.call('POST', '/trpc/notifications.send', body));
  });

  test('32 levels are good, and a colon, brace or escaped quote within a text is only text', async () => {
    expect((await send(withData(nested(31)))).status).toBe(202);
    expect((await send({ ...good, data: { 'a:b"\\': '{"[:\\"', c: '\ud83d\ude00' } })).status).toBe(202);
  });

  test.each(['constructor', 'prototype', 'toString', 'hasOwnProperty'])(
    'a key named %s is only a key',
    async (key) => {
      const { body, status } = await send({ ...good, metadata: { [key]: 'x' } });
      expect(status).toBe(202);
      const found = await tested.call('GET', `/v1/notifications/${body.id}`);
      expect(found.body.metadata).toEqual({ [key]: 'x' });
    },
  );
});

describe('fields', () => {
  test.each([
    ['a line break and a header', 'a@example.com\r\nBcc: x@example.com'],
    ['a trailing line break', 'a@example.com\n'],
    ['a group', 'friends: a@example.com, b@example.com;'],
    ['two addresses', 'a@example.com,b@example.com'],
    ['a quoted local part', '"a b"@example.com'],
    ['a domain in Unicode', 'a@exämple.com'],
    ['a local part in Unicode', 'ä@example.com'],
    ['a display form', 'Ada <a@example.com>'],
    ['angle brackets', '<a@example.com>'],
    ['a comment', 'a(x)@example.com'],
    ['an address literal', 'a@[127.0.0.1]'],
    ['a source route', '@x.example:a@example.com'],
    ['a percent route', 'a%b@example.com@c.example'],
    ['300 characters', `${'a'.repeat(290)}@b.example`],
    ['255 characters', `${'a'.repeat(63)}@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.examplee`],
    ['nothing', ''],
    ['a number', 5],
  ])('an e-mail address with %s is refused', async (_, email) => {
    expectRefused(await send({ ...good, to: { email } }), '/to/email');
    expectRefused(await tested.call('PUT', '/v1/recipients/x', { email }), '/email');
  });

  test.each([
    [
      'a name with a line break',
      { ...good, to: { email: 'a@example.com', name: 'A\r\nBcc: x@y.example' } },
      '/to/name',
    ],
    [
      'a name of 201 characters',
      { ...good, to: { email: 'a@example.com', name: 'x'.repeat(201) } },
      '/to/name',
    ],
    [
      'a token with a control character',
      { ...good, to: { device: { platform: 'fcm', token: 'a\u0007' } } },
      '/to/device/token',
    ],
    [
      'a token of 2,049 characters',
      { ...good, to: { device: { platform: 'fcm', token: 'a'.repeat(2049) } } },
      '/to/device/token',
    ],
    ['a token in Unicode', { ...good, to: { device: { platform: 'fcm', token: 'é' } } }, '/to/device/token'],
    ['an empty token', { ...good, to: { device: { platform: 'fcm', token: '' } } }, '/to/device/token'],
    ['an empty recipient', { ...good, to: { recipientId: '' } }, '/to/recipientId'],
    ['a category with a line break', { ...good, category: 'a\nb' }, '/category'],
    ['data that is a list', { ...good, data: [1] }, '/data'],
    ['data that is null', { ...good, data: null }, '/data'],
    ['metadata that is a text', { ...good, metadata: 'x' }, '/metadata'],
    [
      'a key of 257 characters',
      { ...good, metadata: { ['k'.repeat(257)]: 1 } },
      `/metadata/${'k'.repeat(257)}`,
    ],
    [
      'a subject of 999 characters',
      { ...good, content: { email: { subject: 's'.repeat(999), text: '' } } },
      '/content/email/subject',
    ],
    ['a template of a path', { to: good.to, template: '../../etc/passwd' }, '/template'],
    ['a locale of nonsense', { ...good, locale: '../en' }, '/locale'],
    ['a lane in other letters', { ...good, lane: 'CRITICAL' }, '/lane'],
  ])('%s is refused', async (_, body, pointer) => {
    expectRefused(await send(body), pointer);
  });

  test.each(['Mars/Olympus', '+02:00', 'Europe/Paris\u0000', '', 'x'.repeat(65), '../../etc'])(
    'the time zone %j is refused',
    async (timezone) => {
      expectRefused(await tested.call('PUT', '/v1/recipients/zoned', { timezone }));
    },
  );

  test('a zone with summer time is good', async () => {
    const answer = await tested.call('PUT', '/v1/recipients/zoned', { timezone: 'America/Sao_Paulo' });
    expect(answer.body.timezone).toBe('America/Sao_Paulo');
  });

  test('a token of 2,048 characters that nothing compresses is registered', async () => {
    await tested.call('PUT', '/v1/recipients/long', {});
    const device = { platform: 'fcm', token: randomBytes(1536).toString('base64url') };
    expect(device.token).toHaveLength(2048);
    const { status, body } = await tested.call('POST', '/v1/recipients/long/devices', device);
    expect([status, body.token]).toEqual([201, device.token]);
  });

  test.each(['.', '..'])('the external id %j, which no path can hold, is refused', async (externalId) => {
    expectRefused(await tested.call('POST', '/trpc/recipients.upsert', { externalId }), '/externalId');
  });

  test('an external id that looks like one of ours is refused', async () => {
    expectRefused(await tested.call('PUT', '/v1/recipients/rcp_1', {}), '/externalId');
    expectRefused(await tested.call('PUT', '/v1/recipients/a', { externalId: 'b' }), '/externalId');
  });
});

test.each(['a', '~', '😀'])('a refusal that quotes 100,000 times %s stays small', async (unit) => {
  const long = unit.repeat(100_000);
  const bodies = [
    { ...good, [long]: 1 },
    { ...good, metadata: { [long]: 1 } },
    { ...good, metadata: { [long]: '\0' } },
    { ...good, content: { email: { subject: 's', text: `{{ x | ${long} }}` } } },
  ];
  for (const body of bodies) {
    const answer = await send(body);
    expectRefused(answer);
    expect(answer.text.length).toBeLessThan(10_000);
    expect(answer.text.isWellFormed()).toBe(true);
    expectRefused(await tested.call('POST', '/trpc/notifications.send', body));
  }
});

describe('times', () => {
  const ahead = (ms: number) => new Date(Date.now() + ms).toISOString();
  test.each([
    ['the year 0', '0000-01-01T00:00:00Z'],
    ['the year 9999', '9999-12-31T23:59:59Z'],
    ['a year of six digits', '+012027-01-01T00:00:00Z'],
    ['no offset', '2027-01-31T08:00:00'],
    ['only a date', '2027-01-31'],
    ['30 February', '2027-02-30T08:00:00Z'],
    ['hour 25', '2027-01-31T25:00:00Z'],
    ['second 61', '2027-01-31T08:00:61Z'],
    ['an offset of 99 hours', '2027-01-31T08:00:00+99:00'],
    ['the past', '2020-01-01T00:00:00Z'],
    ['a number', 1_900_000_000_000],
    ['a text', 'tomorrow'],
    ['two years ahead', ahead(2 * 366 * 86_400_000)],
  ])('sendAt with %s is refused', async (_, sendAt) => {
    expectRefused(await send({ ...good, sendAt }), '/sendAt');
  });

  test.each([
    ['before sendAt', { sendAt: ahead(7_200_000), expiresAt: ahead(3_600_000) }],
    ['at sendAt', { sendAt: '2027-01-01T00:00:00Z', expiresAt: '2027-01-01T01:00:00+01:00' }],
    ['in the past', { expiresAt: '2020-01-01T00:00:00Z' }],
    ['far ahead', { expiresAt: '2400-01-01T00:00:00Z' }],
  ])('expiresAt %s is refused', async (_, times) => {
    expectRefused(await send({ ...good, ...times }), '/expiresAt');
  });

  test('an hour that a zone skips is good with its offset', async () => {
    const spring = `${new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10)}T02:30:00+01:00`;
    const { status, body } = await send({ ...good, sendAt: spring });
    expect(status).toBe(202);
    const found = await tested.call('GET', `/v1/notifications/${body.id}`);
    expect(found.body.sendAt).toBe(new Date(spring).toISOString());
  });
});

describe('ids and queries', () => {
  const uuid = '019a0c2f3b7d7c3e8f10a2b4c6d8e0f1';
  test.each([
    ['all digits', '1'.repeat(36)],
    ['a colon', `ntf:${uuid}`],
    ['upper case', `NTF_${uuid.toUpperCase()}`],
    ['another kind', `msg_${uuid}`],
    ['%00', `ntf_${uuid}%00`],
    ['a space at its end', `ntf_${uuid}%20`],
    ['a line break at its end', `ntf_${uuid}%0a`],
    ['a broken escape', `ntf_${uuid}%zz`],
    ['a slash', `ntf_${uuid}%2f..`],
    ['SQL', "ntf_'%20or%201=1--"],
    ['10,000 characters', 'n'.repeat(10_000)],
  ])('an id with %s is refused', async (_, id) => {
    expectRefused(await tested.call('GET', `/v1/notifications/${id}`), '/id');
    expectRefused(await tested.call('POST', `/v1/notifications/${id}/cancel`), '/id');
    expectRefused(await tested.call('GET', `/v1/notifications?after=${id}`), '/after');
  });

  test.each([
    ['limit=1e9', '/limit'],
    ['limit=1000000000', '/limit'],
    ['limit=101', '/limit'],
    ['limit=0', '/limit'],
    ['limit=-1', '/limit'],
    ['limit=1.5', '/limit'],
    ['limit=abc', '/limit'],
    ['limit=', '/limit'],
    ['limit=%2010', '/limit'],
    ['limit=0x10', '/limit'],
    ['limit=10&limit=20', '/limit'],
    ['limit[]=10', '/limit[]'],
    ['after=%00', '/after'],
    ['colour=red', '/colour'],
    ['__proto__=x', '/__proto__'],
    ['status=nope', '/status'],
    ['status=accepted&status=ended', '/status'],
    ['lane=', '/lane'],
    ['template=%27', '/template'],
    [`after=ntf_${uuid}&before=ntf_${uuid}`, ''],
  ])('the query %s is refused', async (query, pointer) => {
    expectRefused(await tested.call('GET', `/v1/notifications?${query}`), pointer);
  });

  test('a query field where none belongs is refused', async () => {
    expectRefused(await tested.call('GET', `/v1/notifications/ntf_${uuid}?id=ntf_${uuid}`), '/id');
    expectRefused(await tested.call('GET', `/v1/messages/msg_${uuid}?expand=all`), '/expand');
    expectRefused(await tested.call('POST', '/v1/notifications?lane=high', good), '/lane');
  });

  test.each(['/v1/recipients/%00', '/v1/recipients/a%0d%0ab', `/v1/recipients/${'x'.repeat(256)}`])(
    '%s is refused',
    async (path) => {
      expectRefused(await tested.call('GET', path));
      expectRefused(await tested.call('PUT', path, {}));
    },
  );

  test.each(['%zz', '%', '%ED%A0%80', '%C0%80', '%FF'])(
    'what %s stands for is nothing: it is refused, not stored as it is',
    async (octets) => {
      expectRefused(await tested.call('PUT', `/v1/recipients/a${octets}`, {}), '/externalId');
      expectRefused(await tested.call('GET', `/v1/recipients/a${octets}`), '/recipientId');
      expectRefused(await tested.call('GET', `/v1/notifications?recipientId=a${octets}`), '/recipientId');
      const input = encodeURIComponent('{"recipientId":"a?"}').replace('%3F', octets);
      expectRefused(await tested.call('GET', `/trpc/recipients.get?input=${input}`));
    },
  );

  test('a percent sign in an id is only a character', async () => {
    const answer = await tested.call('PUT', '/v1/recipients/100%25%20%252F', {});
    expect(answer.body.externalId).toBe('100% %2F');
    expect((await tested.call('GET', '/v1/recipients/100%25%20%252F')).body).toEqual(answer.body);
  });

  test.each([
    '/v1/%2e%2e/v1/notifications/%2e%2e',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/v1//notifications',
    '/v1/notifications%00',
  ])('the path %s leads nowhere', async (path) => {
    expectRefused(await tested.call('GET', path));
  });
});
