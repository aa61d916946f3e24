import {
  isHappening,
  type Operation,
  type PreferencesView,
  publishInput,
  publishManyEvents,
  type RegisterDeviceInput,
  sendInput,
  sendManyNotifications,
  type setPreferencesInput,
} from '@tidings/contracts';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parseJson } from '../../apps/api/src/http/json.ts';
import { allOperations, openTestApi, type TestAccount, type TestApi } from '../support/api.ts';
import { arbitraryOf, type Samples } from '../support/arbitrary-of.ts';
import { fuzzRuns } from '../support/fuzz.ts';
import { asAskedOverRest, type Call, isUnspeakable, restCall, trpcCall } from './calls.ts';
import { expectHonest } from './honest-answer.ts';
import { hostileValue, mutated, toJson } from './hostile.ts';

type SetPreferences = z.infer<typeof setPreferencesInput>;

let tested: TestApi;
let owner: TestAccount;
let samples: Samples;
const content = { email: { subject: 's', text: 't' }, push: { title: 't', body: 'b' } };

beforeAll(async () => {
  tested = await openTestApi();
  await tested.call('PUT', '/v1/recipients/user-42', { email: 'ada@example.com' });
  const device = await tested.call('POST', '/v1/recipients/user-42/devices', {
    platform: 'fcm',
    token: 'device-1',
  });
  await tested.call('PUT', '/v1/categories/newsletter', { name: 'Newsletter' });
  await tested.call('PUT', '/v1/categories/security', { name: 'Security', required: true });
  owner = await tested.addAccount('owner');
  const viewers = [await tested.addAccount('viewer'), await tested.addAccount('viewer')];
  const invited = [];
  for (const email of ['one@example.com', 'two@example.com']) {
    invited.push(await tested.call('POST', '/v1/invitations', { email, role: 'viewer' }, owner.headers));
  }
  const sent = [];
  for (let index = 0; index < 3; index += 1) {
    sent.push(await tested.call('POST', '/v1/notifications', { to: { recipientId: 'user-42' }, content }));
  }
  const drafted = await tested.call('POST', '/v1/templates', { key: 'drafted', content: { en: content } });
  const notifications = sent.map(({ body }) => body.id);
  const messages = sent.flatMap(({ body }) => (body.messages as Array<{ id: string }>).map(({ id }) => id));
  await tested.query(`UPDATE messages SET status = 'failed', reason = 'rejected', place = NULL, ended_at = 1
    WHERE id IN ('${messages[0]}', '${messages[1]}')`);
  const keys = await Promise.all([1, 2, 3].map(() => spareKey()));
  const subscriptions = await Promise.all(
    consumers.map(async (body) => (await tested.call('POST', '/v1/subscriptions', body)).body.id as string),
  );
  const copies = await Promise.all(
    [0, 0, 1].map(async (index) => {
      const tests = `/v1/subscriptions/${subscriptions[index]}/test`;
      return (await tested.call('POST', tests, {})).body.copyId as string;
    }),
  );
  await tested.query(`UPDATE copies SET status = 'failed', reason = 'rejected', place = NULL, ended_at = 1
    WHERE id = '${copies[0]}'`);
  const pages = [...notifications, ...messages, ...keys];
  samples = {
    id: [
      ...notifications,
      ...messages,
      ...keys,
      ...viewers.map(({ id }) => id),
      ...viewers.map(({ sessionId }) => sessionId),
      ...invited.map(({ body }) => body.id),
      ...subscriptions,
      ...copies,
    ],
    subscriptionId: subscriptions,
    filter: ['data.total >= 100', 'subject == "user-42"', 'data.total ==', 'data.matches("(a+)+$")'],
    types: [['order.*'], ['*', 'message.*']],
    url: ['https://shop.example/webhooks', 'http://127.0.0.1:1/'],
    pointer: ['/data/customerId', '/subject'],
    since: ['2020-01-01T00:00:00Z'],
    ids: messages.map((id) => [id]),
    after: pages,
    before: pages,
    recipientId: ['user-42'],
    externalId: ['user-42'],
    template: ['welcome_email', 'welcome_push'],
    data: [{ name: 'Ada', link: 'https://example.com/' }],
    idempotencyKey: ['again', '"quoted"'],
    token: ['device-1', '5dcf9ad4-6f5d-4b4c-8a3b-6c1b9d1f0a27', ...invited.map(({ body }) => body.token)],
    deviceId: [device.body.id],
    category: ['newsletter', 'security'],
    key: ['newsletter', 'security', 'welcome_email', 'drafted', 'default'],
    revision: [drafted.body.revision],
    version: [1],
    email: ['ada@example.com', ...viewers.map(({ email }) => email)],
    password: viewers.map(({ password }) => password),
    currentPassword: [owner.password],
  };
});
afterAll(() => tested.close());

const consumers = [
  { name: 'hook', types: ['order.*'], settings: { kind: 'webhook', url: 'https://shop.example/webhooks' } },
  { name: 'stock', types: ['*'], filter: 'data.total >= 100', settings: { kind: 'queue' } },
];

async function spareKey() {
  const { body } = await tested.call('POST', '/v1/api-keys', { name: 'spare', scopes: ['read'] });
  return body.id;
}

/** Whatever came before, the next request is answered as if nothing had been. */
afterEach(async () => {
  const answer = await tested.call('POST', '/v1/notifications', { to: { email: 'a@example.com' }, content });
  expect(answer.status).toBe(202);
});

const itemsOf = new Map<string, z.ZodType>([
  [sendManyNotifications.name, sendInput],
  [publishManyEvents.name, publishInput],
]);

const inputOf = (operation: Operation): fc.Arbitrary<unknown> => {
  const itemSchema = itemsOf.get(operation.name);
  if (itemSchema === undefined) return arbitraryOf(operation.input, samples);
  const item = arbitraryOf(itemSchema, samples);
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

const ask = ({ method, path, body, headers }: Call, { access }: Operation) => {
  const isForAccounts = access !== 'anyone' && 'role' in access;
  return tested.call(method, path, body, { ...(isForAccounts && owner.headers), ...headers });
};

const transports = [
  ['REST', restCall, false],
  ['tRPC', trpcCall, true],
] as const;

describe.each(allOperations.map((operation) => [operation.name, operation] as const))(
  '%s',
  (_, operation) => {
    describe.each(transports)('over %s', (_, callOf, overTrpc) => {
      test('a good input is answered as its output schema says, or refused for what is on record', async () => {
        await fc.assert(
          fc.asyncProperty(inputOf(operation), async (input) => {
            fc.pre(overTrpc || !isUnspeakable(operation, input));
            const code = expectHonest(operation, await ask(callOf(operation, input), operation), overTrpc);
            // A good input may still not fit what is on record, or the clock, or who asks; guesses are limited.
            const mayBe = [...(operation.errors ?? []), 'forbidden', 'rate_limited'];
            if (code !== undefined) expect(mayBe).toContain(code);
          }),
          fuzzRuns(60),
        );
      });

      test('an input with something hostile in it is refused with a problem document, or was good after all', async () => {
        await fc.assert(
          fc.asyncProperty(mutated(inputOf(operation)), async (input) => {
            fc.pre(overTrpc || !isUnspeakable(operation, input));
            const answer = await ask(callOf(operation, input), operation);
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
  let made = 0;

  test('recipients', async () => {
    const upsert = allOperations.find(({ name }) => name === 'recipients.upsert') as Operation;
    await fc.assert(
      fc.asyncProperty(arbitraryOf(upsert.input), async (input) => {
        const { externalId, attributes, ...given } = input as { externalId: string; attributes?: object };
        const put = await ask(restCall(upsert, input), upsert);
        expect(put).toMatchObject({ status: 200, body: { externalId, ...given } });
        if (attributes !== undefined) expect(put.body.attributes).toEqual(attributes ?? {});
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
    await fc.assert(
      fc.asyncProperty(arbitraryOf(register.input), async (input) => {
        const { subscription, token = subscription?.endpoint } = input as RegisterDeviceInput;
        made += 1;
        await tested.call('PUT', `/v1/recipients/owner-${made}`, {});
        const answer = await ask(
          restCall(register, { ...(input as object), recipientId: `owner-${made}` }),
          register,
        );
        expect(answer).toMatchObject({ status: 201, body: { token } });
        const found = await tested.call('GET', `/v1/recipients/owner-${made}`);
        expect(found.body.devices).toMatchObject([{ token }]);
      }),
      fuzzRuns(100),
    );
  });

  test('preferences', async () => {
    const set = allOperations.find(({ name }) => name === 'preferences.set') as Operation;
    await fc.assert(
      fc.asyncProperty(arbitraryOf(set.input), async (input) => {
        made += 1;
        const recipientId = `choosy-${made}`;
        await tested.call('PUT', `/v1/recipients/${recipientId}`, {});
        const { preferences = [], ...given } = { ...(input as SetPreferences), recipientId };
        const put = await ask(restCall(set, { preferences, ...given }), set);
        if (put.body.code === 'category_required') return;
        const { recipientId: _, ...fields } = given;
        expect(put).toMatchObject({ status: 200, body: fields });
        const { categories } = put.body as unknown as PreferencesView;
        for (const { channel, category = null, enabled } of preferences) {
          const row = categories.find(({ key }) => key === category);
          const found = row?.channels.find((one) => one.channel === channel);
          if (enabled !== null && row?.required !== true) expect(found).toMatchObject({ enabled });
        }
        expect((await tested.call('GET', `/v1/recipients/${recipientId}/preferences`)).body).toEqual(
          put.body,
        );
      }),
      fuzzRuns(100),
    );
  });

  test('events', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryOf(publishInput), async (input) => {
        made += 1;
        const { type, source = null, subject = null, data = {} } = input as Record<string, unknown>;
        fc.pre(!isHappening(String(type)));
        const given = { ...(input as object), id: `on-record-${made}` };
        const answer = await tested.call('POST', '/v1/events', given);
        expect(answer.status, answer.text).toBe(202);
        const found = await tested.call('GET', `/v1/events/${answer.body.id}`);
        expect(found.body).toMatchObject({ externalId: given.id, type, source, subject });
        expect(found.body.data).toEqual(data);
        const again = await tested.call('POST', '/v1/events', given);
        expect(again).toMatchObject({ status: 202, body: answer.body });
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
          send,
        );
        expectHonest(send, answer, call === trpcCall);
        expect(answer.text.length).toBeLessThan(100_000);
      }
    }),
    fuzzRuns(10),
  );
});
