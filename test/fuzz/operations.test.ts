import { type ErrorCode, type Operation, sendInput, sendManyNotifications } from '@tidings/contracts';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parseJson } from '../../apps/api/src/http/json.ts';
import { allOperations, openTestApi, type TestApi } from '../support/api.ts';
import { arbitraryOf, type Samples } from '../support/arbitrary-of.ts';
import { fuzzRuns } from '../support/fuzz.ts';
import { asAskedOverRest, type Call, isUnspeakable, restCall, trpcCall } from './calls.ts';
import { expectHonest } from './honest-answer.ts';
import { hostileValue, mutated, toJson } from './hostile.ts';

let tested: TestApi;
let samples: Samples;
const content = { email: { subject: 's', text: 't' }, push: { title: 't', body: 'b' } };

beforeAll(async () => {
  tested = await openTestApi();
  await tested.call('PUT', '/v1/recipients/user-42', { email: 'ada@example.com' });
  await tested.call('POST', '/v1/recipients/user-42/devices', { platform: 'fcm', token: 'device-1' });
  const sent = [];
  for (let index = 0; index < 3; index += 1) {
    sent.push(await tested.call('POST', '/v1/notifications', { to: { recipientId: 'user-42' }, content }));
  }
  const drafted = await tested.call('POST', '/v1/templates', { key: 'drafted', content: { en: content } });
  const notifications = sent.map(({ body }) => body.id);
  const messages = sent.flatMap(({ body }) => (body.messages as Array<{ id: string }>).map(({ id }) => id));
  samples = {
    id: [...notifications, ...messages],
    after: notifications,
    before: notifications,
    recipientId: ['user-42'],
    externalId: ['user-42'],
    template: ['welcome_email', 'welcome_push'],
    data: [{ name: 'Ada', link: 'https://example.com/' }],
    idempotencyKey: ['again', '"quoted"'],
    token: ['device-1'],
    key: ['welcome_email', 'drafted', 'default'],
    revision: [drafted.body.revision],
    version: [1],
  };
});
afterAll(() => tested.close());

/** Whatever came before, the next request is answered as if nothing had been. */
afterEach(async () => {
  const answer = await tested.call('POST', '/v1/notifications', { to: { email: 'a@example.com' }, content });
  expect(answer.status).toBe(202);
});

const inputOf = (operation: Operation): fc.Arbitrary<unknown> => {
  if (operation.name !== sendManyNotifications.name) return arbitraryOf(operation.input, samples);
  const item = arbitraryOf(sendInput, samples);
  const items = fc.oneof(item, arbitraryOf(z.unknown()), mutated(item).filter(isPlainJson));
  return fc.record({ items: fc.array(items, { minLength: 1, maxLength: 8 }) }, { noNullPrototype: true });
};

/** A whole body is refused for what is no JSON in any of its items: those are mutated one at a time. */
function isPlainJson(value: unknown): boolean {
  try {
    parseJson(toJson({ items: [value, null] }));
    return true;
  } catch {
    return false;
  }
}

const ask = ({ method, path, body, headers }: Call) => tested.call(method, path, body, headers);

const transports = [
  ['REST', restCall, false],
  ['tRPC', trpcCall, true],
] as const;

/** Why an input that its schema accepts may still be refused: it does not fit what is on record, or the clock. */
const fitting: ErrorCode[] = [
  'not_found',
  'recipient_not_found',
  'template_not_found',
  'channel_without_content',
  'invalid_variables',
  'invalid_template',
  'invalid_time',
  'too_many_devices',
  'idempotency_key_reused',
  'template_exists',
  'revision_conflict',
  'no_draft',
  'not_published',
];

describe.each(allOperations.map((operation) => [operation.name, operation] as const))(
  '%s',
  (_, operation) => {
    describe.each(transports)('over %s', (_, callOf, overTrpc) => {
      test('a good input is answered as its output schema says, or refused for what is on record', async () => {
        await fc.assert(
          fc.asyncProperty(inputOf(operation), async (input) => {
            fc.pre(overTrpc || !isUnspeakable(operation, input));
            const code = expectHonest(operation, await ask(callOf(operation, input)), overTrpc);
            if (code !== undefined) expect(fitting).toContain(code);
          }),
          fuzzRuns(60),
        );
      });

      test('an input with something hostile in it is refused with a problem document, or was good after all', async () => {
        await fc.assert(
          fc.asyncProperty(mutated(inputOf(operation)), async (input) => {
            fc.pre(overTrpc || !isUnspeakable(operation, input));
            const answer = await ask(callOf(operation, input));
            if (expectHonest(operation, answer, overTrpc) !== undefined) return;
            const { success } = operation.input.safeParse(
              overTrpc ? JSON.parse(toJson(input)) : asAskedOverRest(operation, input),
            );
            expect(success, 'what its schema refuses was accepted').toBe(true);
          }),
          fuzzRuns(100),
        );
      });
    });
  },
);

describe('what was accepted is on record as it was given', () => {
  test('recipients', async () => {
    const upsert = allOperations.find(({ name }) => name === 'recipients.upsert') as Operation;
    await fc.assert(
      fc.asyncProperty(arbitraryOf(upsert.input), async (input) => {
        const { externalId, ...given } = input as { externalId: string };
        const put = await ask(restCall(upsert, input));
        expect(put).toMatchObject({ status: 200, body: { externalId, ...given } });
        const overRest = await tested.call('GET', `/v1/recipients/${encodeURIComponent(externalId)}`);
        expect(overRest.body).toEqual(put.body);
        const query = encodeURIComponent(JSON.stringify({ recipientId: externalId }));
        const overTrpc = await tested.call('GET', `/trpc/recipients.get?input=${query}`);
        expect(overTrpc.body).toEqual({ result: { data: put.body } });
      }),
      fuzzRuns(100),
    );
  });

  test('devices', async () => {
    const register = allOperations.find(({ name }) => name === 'devices.register') as Operation;
    let made = 0;
    await fc.assert(
      fc.asyncProperty(arbitraryOf(register.input), async (input) => {
        const { token } = input as { token: string };
        made += 1;
        await tested.call('PUT', `/v1/recipients/owner-${made}`, {});
        const answer = await ask(restCall(register, { ...(input as object), recipientId: `owner-${made}` }));
        expect(answer).toMatchObject({ status: 201, body: { token } });
        const found = await tested.call('GET', `/v1/recipients/owner-${made}`);
        expect(found.body.devices).toMatchObject([{ token }]);
      }),
      fuzzRuns(100),
    );
  });

  test('notifications', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryOf(sendInput), async (input) => {
        const {
          metadata = {},
          category = null,
          locale = null,
          lane = 'normal',
        } = input as Record<string, unknown>;
        const good = { to: { email: 'a@example.com' }, content, metadata, category, locale, lane };
        const given = Object.fromEntries(Object.entries(good).filter(([, value]) => value !== null));
        const answer = await tested.call('POST', '/v1/notifications', given);
        expect(answer.status, answer.text).toBe(202);
        const found = await tested.call('GET', `/v1/notifications/${answer.body.id}`);
        expect(found.body).toMatchObject({ category, locale, lane });
        expect(found.body.metadata).toEqual(metadata);
      }),
      fuzzRuns(100),
    );
  });
});

test('the size of a refusal is bounded, whatever it refuses', async () => {
  const send = allOperations.find(({ name }) => name === 'notifications.send') as Operation;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('a', '"', '漢', '/'), hostileValue, async (unit, value) => {
      const key = unit.repeat(100_000);
      for (const call of [restCall, trpcCall]) {
        const answer = await ask(
          call(send, { [key]: value, to: { [key]: value }, metadata: { [key]: value } }),
        );
        expectHonest(send, answer, call === trpcCall);
        expect(answer.text.length).toBeLessThan(100_000);
      }
    }),
    fuzzRuns(10),
  );
});
