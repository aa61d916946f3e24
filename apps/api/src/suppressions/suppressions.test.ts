import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
beforeEach(async () => {
  tested = await openTestApi();
});
afterEach(() => tested.close());

const add = (body: object) => tested.call('POST', '/v1/suppressions', body);
const list = async (query = '') =>
  (await tested.call('GET', `/v1/suppressions${query}`)).body as unknown as {
    items: Array<Record<string, unknown>>;
    after: string | null;
  };
const addresses = async (query = '') => (await list(query)).items.map(({ address }) => address);

interface Results {
  items: Array<{ index: number; id?: string; error?: { code: string; errors: Array<{ pointer: string }> } }>;
}
const importJson = async (body: object) => {
  const answer = await tested.call('POST', '/v1/suppressions/import', body);
  expect(answer.status, answer.text).toBe(200);
  return (answer.body as unknown as Results).items;
};
const postCsv = (csv: string, query = '', type = 'text/csv') =>
  tested.call('POST', `/v1/suppressions/import${query}`, csv, { 'content-type': type });
const exported = (query = '') =>
  tested.call('GET', `/v1/suppressions/export${query}`, undefined, { accept: '*/*' });

test('an address that is added is on the list, can be found in any case, and be taken off', async () => {
  const { status, body } = await add({ address: 'Ada@Example.com', note: 'by phone' });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    channel: 'email',
    address: 'Ada@Example.com',
    category: null,
    reason: 'manual',
    note: 'by phone',
    messageId: null,
  });
  expect((await tested.call('GET', `/v1/suppressions/${body.id}`)).body).toEqual(body);
  expect((await list('?address=aDA@eXAMPLE.com')).items).toEqual([body]);
  expect(await tested.call('DELETE', `/v1/suppressions/${body.id}`)).toMatchObject({ status: 200 });
  for (const method of ['GET', 'DELETE']) {
    expect((await tested.call(method, `/v1/suppressions/${body.id}`)).body.code).toBe('not_found');
  }
  expect(await addresses()).toEqual([]);
});

test('to add what is there answers what is there, and the audit trail tells of changes only', async () => {
  const first = await add({ address: 'ada@example.com', reason: 'complaint' });
  const second = await add({ address: 'ADA@example.com', reason: 'manual', note: 'again' });
  expect(second.body).toEqual(first.body);
  const other = await add({ address: 'ada@example.com', category: 'news' });
  expect(other.body.id).not.toBe(first.body.id);
  await tested.call('DELETE', `/v1/suppressions/${first.body.id}`);
  const { body } = await tested.call('GET', '/v1/audit');
  const told = (body.items as Array<{ action: string; target: string }>).map((one) => [
    one.action,
    one.target,
  ]);
  expect(told.filter(([action]) => action?.startsWith('suppressions.'))).toEqual([
    ['suppressions.remove', first.body.id],
    ['suppressions.add', other.body.id],
    ['suppressions.add', first.body.id],
  ]);
  expect(JSON.stringify(body)).not.toContain('ada@example.com');
});

test('the list is filtered, and comes in pages', async () => {
  await add({ address: 'one@example.com', reason: 'complaint' });
  await add({ address: 'two@example.com', category: 'news' });
  await add({ channel: 'push', address: 'Token' });
  expect(await addresses('?reason=complaint')).toEqual(['one@example.com']);
  expect(await addresses('?category=news')).toEqual(['two@example.com']);
  expect(await addresses('?channel=push')).toEqual(['Token']);
  expect(await addresses('?address=token')).toEqual([]);
  expect(await addresses('?address=Token')).toEqual(['Token']);
  const first = await list('?limit=2');
  expect(first.items.map(({ address }) => address)).toEqual(['Token', 'two@example.com']);
  expect(await addresses(`?limit=2&after=${first.after}`)).toEqual(['one@example.com']);
});

test.each([
  [{ address: 'nowhere' }, '/address'],
  [{ channel: 'push', address: 'two words' }, '/address'],
  [{ address: 'ada@example.com', reason: 'erased' }, '/reason'],
])('%o is refused', async (body, pointer) => {
  const answer = await add(body);
  expect(answer.body).toMatchObject({ code: 'invalid_request', errors: [{ pointer }] });
});

test('an import answers each item in order, and a bad one does not spoil the others', async () => {
  const results = await importJson({
    reason: 'hard_bounce',
    items: [
      { address: 'one@example.com' },
      { address: 'nowhere' },
      'text',
      { address: 'two@example.com', reason: 'complaint', category: 'news' },
      { address: 'ONE@example.com' },
    ],
  });
  expect(results.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
  expect(results[1]?.error).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/address' }] });
  expect(results[2]?.error?.code).toBe('invalid_request');
  expect(results[4]?.id).toBe(results[0]?.id);
  const { items } = await list();
  expect(items.map(({ address, reason, category }) => [address, reason, category]).sort()).toEqual([
    ['one@example.com', 'hard_bounce', null],
    ['two@example.com', 'complaint', 'news'],
  ]);
  const { body } = await tested.call('GET', '/v1/audit?action=suppressions.import');
  expect(body.items).toHaveLength(1);
  expect(await importJson({ items: ['none', 'of them'] })).toHaveLength(2);
});

describe('as CSV', () => {
  test.each([
    [
      "SendGrid's bounces",
      'status,reason,email,created\r\n5.1.1,"550 5.1.1 no such, user",one@example.com,1700000000\r\n',
      ['one@example.com', 'hard_bounce', '550 5.1.1 no such, user'],
    ],
    [
      "SendGrid's unsubscribes",
      'email,created\none@example.com,1700000000\n',
      ['one@example.com', 'hard_bounce', null],
    ],
    [
      "Mailgun's bounces",
      '\ufeff"address","code","error","created_at"\n"one@example.com","550","No such user","Fri, 21 Oct 2011"\n',
      ['one@example.com', 'hard_bounce', 'No such user'],
    ],
    [
      'answers of several lines',
      `email,reason\none@example.com,"550 first\r\nsecond ${'😀'.repeat(300)}"\n`,
      ['one@example.com', 'hard_bounce', expect.stringMatching(/^550 first second [^\r\n]{483}$/)],
    ],
    ['reasons of ours', 'Email,Reason\none@example.com,Complaint\n', ['one@example.com', 'complaint', null]],
  ])('%s are taken in', async (_, csv, expected) => {
    const answer = await postCsv(csv, '?reason=hard_bounce', 'text/csv; charset=utf-8');
    expect(answer.status, answer.text).toBe(200);
    const { items } = await list();
    expect(items.map(({ address, reason, note }) => [address, reason, note])).toEqual([expected]);
  });

  test('a line that does not fit is told by its place', async () => {
    const { body } = await postCsv('email\none@example.com\nnowhere\n');
    expect((body as unknown as Results).items).toMatchObject([
      { index: 0, id: expect.any(String) },
      { index: 1, error: { code: 'invalid_request' } },
    ]);
  });

  test.each([
    ['no CSV', 'email\n"one', '', 'text/csv', 400, 'invalid_csv'],
    ['more cells than columns', 'email\na,b\n', '', 'text/csv', 400, 'invalid_csv'],
    ['no column of addresses', 'name\nAda\n', '', 'text/csv', 400, 'invalid_csv'],
    [
      'more columns than any list has',
      `email${',x'.repeat(100)}\na@example.com${','.repeat(100)}\n`,
      '',
      'text/csv',
      400,
      'invalid_csv',
    ],
    [
      'an endless line',
      `email,note\na@example.com,${'x'.repeat(100_001)}\n`,
      '',
      'text/csv',
      400,
      'invalid_csv',
    ],
    ['nothing', '', '', 'text/csv', 400, 'invalid_request'],
    [
      'more than 1,000 lines',
      `email\n${'a@example.com\n'.repeat(1001)}`,
      '',
      'text/csv',
      400,
      'invalid_request',
    ],
    [
      'an unknown field in the query',
      'email\na@example.com\n',
      '?rsn=manual',
      'text/csv',
      400,
      'invalid_request',
    ],
    ['items in the query', 'email\na@example.com\n', '?items=1', 'text/csv', 400, 'invalid_request'],
    [
      'another character set',
      'email\na@example.com\n',
      '',
      'text/csv; charset=utf-16',
      415,
      'unsupported_media_type',
    ],
    ['another type', 'email\na@example.com\n', '', 'text/plain', 415, 'unsupported_media_type'],
  ])('%s is refused', async (_, csv, query, type, status, code) => {
    expect(await postCsv(csv, query, type)).toMatchObject({ status, body: { code } });
    expect(await addresses()).toEqual([]);
  });

  test('an operation that takes none refuses it', async () => {
    const answer = await tested.call('POST', '/v1/suppressions', 'address\na@example.com\n', {
      'content-type': 'text/csv',
    });
    expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
  });

  test('the whole list is exported however long it is, and may be taken in again', async () => {
    const many = Array.from({ length: 1000 }, (_, index) => ({ address: `reader-${index}@example.com` }));
    await importJson({ items: many, reason: 'unsubscribed' });
    await add({ address: 'last@example.com', note: 'says "no", twice' });
    await add({ channel: 'push', address: 'token', category: 'news' });
    const { status, headers, text } = await exported();
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(headers.get('content-disposition')).toContain('attachment');
    const [header, ...lines] = text.trimEnd().split('\r\n');
    expect(header).toBe('channel,address,category,reason,note,createdAt');
    expect(lines).toHaveLength(1002);
    expect(lines[0]).toMatch(/^push,token,news,manual,,20/);
    expect(lines[1]).toMatch(/^email,last@example.com,,manual,"says ""no"", twice",20/);
    expect((await exported('?channel=push')).text.trimEnd().split('\r\n')).toHaveLength(2);
    const before = await list('?limit=2');
    for (const { id } of before.items) await tested.call('DELETE', `/v1/suppressions/${id}`);
    await postCsv([header, lines[1], lines[0]].join('\r\n'));
    const view = ({ id: _, createdAt: __, ...rest }: Record<string, unknown>) => rest;
    expect((await list('?limit=2')).items.map(view)).toEqual(before.items.map(view));
  });

  test('no cell is a formula to a spreadsheet, and comes back as it was', async () => {
    const notes = ['=1+1', '+1', '-1', '@SUM(A1)', 'plain'];
    for (const [index, note] of notes.entries()) await add({ address: `a${index}@example.com`, note });
    await add({ channel: 'push', address: '=HYPERLINK("https://evil.example")' });
    const { text } = await exported();
    const cells = text.split(/[\r\n,]+/).map((cell) => cell.replace(/^"/, ''));
    expect(cells.filter((cell) => /^[=+\-@]/.test(cell))).toEqual([]);
    expect(text).toContain(`"'=HYPERLINK(""https://evil.example"")"`);
    const { items } = await list();
    for (const { id } of items) await tested.call('DELETE', `/v1/suppressions/${id}`);
    await postCsv(text);
    expect(new Set((await list()).items.map(({ note, address }) => note ?? address))).toEqual(
      new Set(items.map(({ note, address }) => note ?? address)),
    );
  });

  test('an empty list is a header alone', async () => {
    expect((await exported()).text).toBe('channel,address,category,reason,note,createdAt\r\n');
  });
});
