import { cloudEvent, publishEvent, publishManyEvents } from '@tidings/contracts';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../support/api.ts';
import { arbitraryOf } from '../support/arbitrary-of.ts';
import { fuzzRuns } from '../support/fuzz.ts';
import { expectHonest } from './honest-answer.ts';
import { mutated, toJson } from './hostile.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

const event = arbitraryOf(cloudEvent);
const attributeNames = ['specversion', 'id', 'source', 'type', 'subject', 'time', 'data', 'data_base64'];
const post = (path: string, body: string | undefined, headers: Record<string, string>) =>
  tested.call('POST', path, body, headers);

test('a CloudEvent with something hostile in it is published or refused with a problem document', async () => {
  const headers = { 'content-type': 'application/cloudevents+json' };
  await fc.assert(
    fc.asyncProperty(fc.oneof(event, mutated(event)), async (given) => {
      expectHonest(publishEvent, await post('/v1/events', toJson(given), headers), false);
    }),
    fuzzRuns(200),
  );
});

test('so is every one of a batch, and a good one is published whatever is beside it', async () => {
  const headers = { 'content-type': 'application/cloudevents-batch+json' };
  let made = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(event, mutated(event)), { maxLength: 5 }), async (others) => {
      made += 1;
      const good = { specversion: '1.0', id: `good-${made}`, source: '/fuzz', type: 'order.created' };
      const answer = await post('/v1/events/bulk', toJson([...others, good]), headers);
      if (expectHonest(publishManyEvents, answer, false) === 'invalid_json') return;
      expect(answer.status, answer.text).toBe(202);
      const { items } = answer.body as { items: object[] };
      expect(items.at(-1)).toMatchObject({ index: others.length, externalId: `good-${made}` });
    }),
    fuzzRuns(100),
  );
});

test('so is one whose attributes are headers of any octets', async () => {
  const value = fc.oneof(
    fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) }),
    fc
      .string({ unit: 'binary' })
      .filter((text) => text.isWellFormed())
      .map(encodeURIComponent),
    fc.constantFrom('1.0', '"quoted"', '"', '"\\"', '%', '%00', '%ff', '%ed%a0%80', '2026-01-01T00:00:00Z'),
  );
  const attributes = fc.dictionary(fc.constantFrom(...attributeNames, '__proto__', 'a-b'), value);
  await fc.assert(
    fc.asyncProperty(attributes, fc.option(fc.json(), { nil: undefined }), async (given, body) => {
      const required = { 'ce-specversion': '1.0', 'ce-id': 'x', 'ce-source': '/x', 'ce-type': 'x' };
      const headers = Object.entries(given).map(([name, text]) => [`ce-${name}`, text]);
      expectHonest(
        publishEvent,
        await post('/v1/events', body, { ...required, ...Object.fromEntries(headers) }),
        false,
      );
    }),
    fuzzRuns(200),
  );
});
