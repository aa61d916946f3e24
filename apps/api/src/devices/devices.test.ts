import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
let owner: string;
let made = 0;
beforeEach(async () => {
  tested ??= await openTestApi();
  made += 1;
  owner = `owner-${made}`;
  await tested.call('PUT', `/v1/recipients/${owner}`, {});
});
afterAll(() => tested.close());

const register = (body: object) => tested.call('POST', `/v1/recipients/${owner}/devices`, body);
const uuid = '5dcf9ad4-6f5d-4b4c-8a3b-6c1b9d1f0a27';
/** From RFC 8291, appendix A. */
const keys = {
  p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
  auth: 'BTBZMqHH6r4Tts7J_aSIgg',
};
const endpoint = 'https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV';

describe('each platform has its own kind of device', () => {
  test.each([
    [{ platform: 'fcm', token: 'some:token_-' }, 'some:token_-'],
    [{ platform: 'onesignal', token: uuid }, uuid],
    [{ platform: 'webpush', subscription: { endpoint, keys } }, endpoint],
  ])('%j', async (device, token) => {
    const { status, body } = await register(device);
    expect({ status, body }).toMatchObject({ status: 201, body: { platform: device.platform, token } });
    const listed = await tested.call('GET', `/v1/recipients/${owner}/devices`);
    expect(listed).toMatchObject({ status: 200, body: { items: [body] } });
    expect(listed.text).not.toContain(keys.auth);
  });

  test.each([
    ['a OneSignal id that is no UUID', { platform: 'onesignal', token: 'abc' }, '/token'],
    ['no token', { platform: 'fcm' }, '/token'],
    [
      'a subscription for FCM',
      { platform: 'fcm', token: 't', subscription: { endpoint, keys } },
      '/subscription',
    ],
    ['a token for Web Push', { platform: 'webpush', token: 't', subscription: { endpoint, keys } }, '/token'],
    ['Web Push without a subscription', { platform: 'webpush' }, '/subscription'],
    ['an unknown platform', { platform: 'pager', token: 't' }, '/platform'],
  ])('%s is refused', async (_, device, pointer) => {
    expect(await register(device)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ pointer }] },
    });
  });

  test.each([
    ['plain http', { endpoint: endpoint.replace('https', 'http'), keys }, 'endpoint'],
    ['a password', { endpoint: 'https://a:b@push.example.net/x', keys }, 'endpoint'],
    ['a host that is none', { endpoint: 'https://%/', keys }, 'endpoint'],
    ['64 octets of key', { endpoint, keys: { ...keys, p256dh: keys.p256dh.slice(0, 86) } }, 'keys/p256dh'],
    [
      'a compressed point',
      { endpoint, keys: { ...keys, p256dh: `A${keys.p256dh.slice(1)}` } },
      'keys/p256dh',
    ],
    ['padding', { endpoint, keys: { ...keys, p256dh: `${keys.p256dh}=` } }, 'keys/p256dh'],
    ['15 octets of secret', { endpoint, keys: { ...keys, auth: keys.auth.slice(0, 20) } }, 'keys/auth'],
    ['17 octets of secret', { endpoint, keys: { ...keys, auth: `${keys.auth}A` } }, 'keys/auth'],
    [
      'base64 that is not for URLs',
      { endpoint, keys: { ...keys, auth: '+/BZMqHH6r4Tts7J/aSIgg' } },
      'keys/auth',
    ],
  ])('a subscription with %s is refused', async (_, subscription, where) => {
    expect(await register({ platform: 'webpush', subscription })).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ pointer: `/subscription/${where}` }] },
    });
  });
});

test('a subscription registered again has the newer keys, and one row', async () => {
  await register({ platform: 'webpush', subscription: { endpoint, keys } });
  const auth = `A${keys.auth.slice(1)}`;
  await register({ platform: 'webpush', subscription: { endpoint, keys: { ...keys, auth } } });
  const { body } = await tested.call('GET', `/v1/recipients/${owner}/export`);
  expect(body.devices).toMatchObject([{ token: endpoint, keys: { auth } }]);
});

test('a removed device gets nothing more; it is removed once, by its recipient and project only', async () => {
  const { body: device } = await register({ platform: 'fcm', token: `gone-${made}` });
  await tested.call('PUT', '/v1/recipients/somebody', {});
  const path = `/v1/recipients/${owner}/devices/${device.id}`;
  const asOther = { authorization: `Bearer ${await tested.addProject('other')}` };
  const missing = { status: 404, body: { code: 'not_found' } };
  expect(await tested.call('DELETE', path, undefined, asOther)).toMatchObject(missing);
  expect(await tested.call('DELETE', path.replace(owner, 'somebody'))).toMatchObject(missing);
  const asked = await tested.call('GET', `/v1/recipients/${owner}/devices`, undefined, asOther);
  expect(asked).toMatchObject(missing);
  expect(await tested.call('DELETE', path)).toMatchObject({ status: 200, body: device });
  expect(await tested.call('DELETE', path)).toMatchObject(missing);
  const content = { push: { title: 't', body: 'b' } };
  const sent = await tested.call('POST', '/v1/notifications', { to: { recipientId: owner }, content });
  expect(sent.body.messages).toMatchObject([{ status: 'skipped', reason: 'no_device' }]);
});

test('a push goes to every live device, of whatever platform, one message each', async () => {
  await register({ platform: 'fcm', token: `all-${made}` });
  await register({ platform: 'onesignal', token: uuid });
  await register({ platform: 'webpush', subscription: { endpoint, keys } });
  const content = { push: { title: 't', body: 'b' } };
  const { body } = await tested.call('POST', '/v1/notifications', { to: { recipientId: owner }, content });
  expect(body.messages).toMatchObject(
    Array.from({ length: 3 }, () => ({ channel: 'push', status: 'queued' })),
  );
});

test('a Web Push subscription is sent to by its recipient, not by its endpoint alone', async () => {
  const to = { device: { platform: 'webpush', token: endpoint } };
  const content = { push: { title: 't', body: 'b' } };
  expect(await tested.call('POST', '/v1/notifications', { to, content })).toMatchObject({ status: 400 });
});
