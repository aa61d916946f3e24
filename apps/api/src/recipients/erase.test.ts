import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
beforeEach(async () => {
  tested = await openTestApi();
});
afterEach(() => tested.close());

const secret = 'whoever.is.erased@example.com';
const content = {
  email: { subject: 'Hi', text: 'Dear {{ recipient.name }}' },
  push: { title: 'Hi', body: 'Hello' },
};

async function addPerson(externalId = 'user-42') {
  const person = { name: 'Erica Erased', email: secret, attributes: { note: 'erasable' } };
  const { body } = await tested.call('PUT', `/v1/recipients/${externalId}`, person);
  const device = { platform: 'fcm', token: 'erasable-token' };
  await tested.call('POST', `/v1/recipients/${externalId}/devices`, device);
  return body.id as string;
}

const send = (to: object, more: object = {}) =>
  tested.call('POST', '/v1/notifications', { to, content, channels: ['email'], ...more });
const erase = (id: string) => tested.call('DELETE', `/v1/recipients/${id}`);

/** Files of the data directory that hold the text. */
function filesWith(text: string): string[] {
  const files = readdirSync(tested.dataDir, { recursive: true, encoding: 'utf8' });
  return files.filter((name) => {
    const path = join(tested.dataDir, name);
    return statSync(path).isFile() && readFileSync(path).includes(text);
  });
}

test.skipIf(process.env.TEST_ENGINES?.includes('postgres'))(
  'after an erasure no file of the record holds the address, its log and its free pages included',
  async () => {
    await addPerson();
    // Rows that move, pages that fill up and split, texts beyond a page: all of them leave copies behind.
    for (let round = 0; round < 60; round += 1) {
      const filler = 'x'.repeat(round * 200);
      const data = { filler, about: secret };
      await send({ recipientId: 'user-42' }, { data, metadata: { about: secret } });
      await send({ email: secret }, { data });
      await send({ email: `other-${round}@example.com` }, { data: { filler } });
      await tested.call('PUT', '/v1/recipients/user-42', { name: `Erica Erased ${filler.slice(0, 150)}` });
    }
    expect(filesWith(secret).length).toBeGreaterThan(0);
    expect(await erase('user-42')).toMatchObject({ status: 200, body: { complete: true } });
    for (const trace of [secret, 'Erica', 'erasable']) expect(filesWith(trace), trace).toEqual([]);
  },
);

test('a person who was erased is unknown everywhere, and may come back as somebody new', async () => {
  const id = await addPerson();
  const { body: sent } = await send({ recipientId: 'user-42' });
  const first = await erase('user-42');
  expect(first).toMatchObject({ status: 200, body: { id, complete: true } });
  for (const known of ['user-42', id]) {
    for (const path of ['', '/devices', '/export']) {
      expect(await tested.call('GET', `/v1/recipients/${known}${path}`)).toMatchObject({ status: 404 });
    }
    expect(await send({ recipientId: known })).toMatchObject({
      status: 422,
      body: { code: 'recipient_not_found' },
    });
  }
  expect((await tested.call('GET', '/v1/recipients')).body.items).toEqual([]);
  expect((await erase(id)).body).toEqual(first.body);
  expect(await erase('user-42')).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(await tested.call('GET', `/v1/notifications/${sent.id}`)).toMatchObject({
    status: 200,
    body: { status: 'ended', metadata: {}, payloadRemovedAt: expect.any(String) },
  });
  expect(await addPerson()).not.toBe(id);
  expect(await send({ recipientId: 'user-42' })).toMatchObject({ status: 202, body: { status: 'accepted' } });
});

test('a repeated request gets the first answer still', async () => {
  await addPerson();
  const key = { 'idempotency-key': 'once' };
  const request = { to: { recipientId: 'user-42' }, content, channels: ['email'] };
  const first = await tested.call('POST', '/v1/notifications', request, key);
  await erase('user-42');
  const again = await tested.call('POST', '/v1/notifications', request, key);
  expect([again.status, again.body]).toEqual([202, first.body]);
});

test('what was begun is told even when the record goes away before its end', async () => {
  let isAway = false;
  const failing = await openTestApi({
    changeStore: ({ continueErasure, isOutage }) => ({
      continueErasure: (id) => (isAway ? Promise.reject(new Error('gone')) : continueErasure(id)),
      isOutage: (error) => (error as Error).message === 'gone' || isOutage(error),
    }),
  });
  await failing.call('PUT', '/v1/recipients/user-42', { email: secret });
  isAway = true;
  const begun = await failing.call('DELETE', '/v1/recipients/user-42');
  expect(begun).toMatchObject({ status: 200, body: { complete: false } });
  isAway = false;
  const again = await failing.call('DELETE', `/v1/recipients/${begun.body.id}`);
  expect(again.body).toMatchObject({ complete: true });
  await failing.close();
});

test('a recipient of another project is not found, and stays', async () => {
  const id = await addPerson();
  const other = await tested.addProject('other');
  for (const known of ['user-42', id]) {
    const asOther = { authorization: `Bearer ${other}` };
    const answer = await tested.call('DELETE', `/v1/recipients/${known}`, undefined, asOther);
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
  }
  expect((await tested.call('GET', '/v1/recipients/user-42')).status).toBe(200);
});
