import { receiveProviderEvents } from '@tidings/contracts';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, openTestApi, type TestApi } from '../support/api.ts';
import { arbitraryOf } from '../support/arbitrary-of.ts';
import { fuzzRuns } from '../support/fuzz.ts';
import { handOver } from '../support/hand-over.ts';
import { createSendGridSigner, type SendGridSigner } from '../support/sendgrid-signer.ts';
import { expectRefusal } from './honest-answer.ts';
import { hostileValue, mutated, toJson } from './hostile.ts';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const bearer = 'a-secret-of-the-event-stream';
let signer: SendGridSigner;
let tested: TestApi;
let messageId: string;
beforeAll(async () => {
  signer = await createSendGridSigner();
  tested = await openTestApi({
    env: {
      SENDGRID_WEBHOOK_PUBLIC_KEY: signer.publicKey,
      PROVIDER_EVENTS_SECRET: secret,
      ONESIGNAL_WEBHOOK_SECRET: bearer,
    },
  });
  const content = { email: { subject: 's', text: 't' } };
  const sent = await tested.call('POST', '/v1/notifications', { to: { email: 'a@example.com' }, content });
  messageId = (sent.body.messages as Array<{ id: string }>)[0]?.id ?? '';
  await handOver(tested.store, messageId);
});
afterAll(() => tested.close());

const post = (provider: string, body: string, headers: Record<string, string>) =>
  tested.call('POST', `/v1/provider-events/${provider}`, body, { authorization: '', ...headers });

/** Taken, or refused for a reason that the route declares. */
function expectHonest(answer: Answer): boolean {
  if (answer.status === 204) return true;
  expect(receiveProviderEvents.errors).toContain(expectRefusal(answer));
  return false;
}

const names = ['processed', 'delivered', 'bounce', 'dropped', 'spamreport', 'unsubscribe', 'open', 'click'];
const oddEvent = fc.dictionary(
  fc.constantFrom(
    ...['event', 'timestamp', 'sg_event_id', 'sg_message_id', 'tidings_message_id', 'reason', 'response'],
    ...['status', 'type', 'sg_machine_open', 'email'],
  ),
  fc.oneof(hostileValue, fc.constantFrom<unknown>(...names), fc.double()),
);

test('whatever stands beside it in a batch of SendGrid, an event is recorded', async () => {
  let made = 0;
  const beside = fc.array(fc.oneof(oddEvent, hostileValue), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(beside, beside, async (before, after) => {
      made += 1;
      const event = {
        event: 'click',
        timestamp: 1,
        sg_event_id: `good-${made}`,
        tidings_message_id: messageId,
      };
      const body = toJson([...before, event, ...after]);
      const { signature, timestamp } = await signer.headersOf(body);
      const isTaken = expectHonest(
        await post('sendgrid', body, {
          'x-twilio-email-event-webhook-signature': signature,
          'x-twilio-email-event-webhook-timestamp': timestamp,
        }),
      );
      const rows = await tested.query(`SELECT type FROM feedback WHERE event_id = 'good-${made}'`);
      expect(rows).toEqual(isTaken ? [{ type: 'clicked' }] : []);
    }),
    fuzzRuns(150),
  );
});

test('events signed by Standard Webhooks are taken or refused, and nothing else', async () => {
  const good = arbitraryOf(receiveProviderEvents.body, { messageId: [messageId] });
  await fc.assert(
    fc.asyncProperty(fc.oneof(good, mutated(good)), async (value) => {
      const body = toJson(value);
      const at = new Date();
      expectHonest(
        await post('smtp', body, {
          'webhook-id': 'wh_1',
          'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
          'webhook-signature': new Webhook(secret).sign('wh_1', at, body),
        }),
      );
    }),
    fuzzRuns(100),
  );
});

test("events of OneSignal's streams are taken or refused, and nothing else", async () => {
  const kind = fc.oneof(hostileValue, fc.constantFrom('message.push.received', 'message.push.clicked'));
  const event = fc.record({ id: hostileValue, kind, timestamp: hostileValue });
  const body = fc.oneof(
    fc.record({ event: fc.oneof(event, hostileValue), message: hostileValue }),
    hostileValue,
  );
  await fc.assert(
    fc.asyncProperty(body, async (value) => {
      expectHonest(await post('onesignal', toJson(value), { authorization: `Bearer ${bearer}` }));
    }),
    fuzzRuns(100),
  );
});
