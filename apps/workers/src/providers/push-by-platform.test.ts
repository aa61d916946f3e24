import type { Platform } from '@tidings/contracts';
import { expect, test } from 'vitest';
import type { Delivery, Provider, ProviderResult, RenderedPush } from './provider.ts';
import { createPushByPlatform } from './push-by-platform.ts';

/** Captures; `says` and `isWell` are what it answers. */
function capturing(name: string, platform: Platform) {
  const taken: string[] = [];
  const state: { says: ProviderResult; isWell: boolean; closed: boolean } = {
    says: { outcome: 'sent', code: name },
    isWell: true,
    closed: false,
  };
  const provider: Provider<RenderedPush> = {
    name,
    platforms: [platform],
    send: async ({ messageId }) => {
      taken.push(messageId);
      return state.says;
    },
    probe: async () => state.isWell,
    close: async () => {
      state.closed = true;
    },
  };
  return { provider, taken, state };
}

const delivery = (messageId: string, platform: Platform | null): Delivery<RenderedPush> => ({
  messageId,
  address: 'token',
  platform,
  toName: null,
  date: 0,
  content: { channel: 'push', title: 'Hi', body: 'there' },
});

function both() {
  const fcm = capturing('fcm', 'fcm');
  const web = capturing('web-push', 'webpush');
  return { fcm, web, push: createPushByPlatform([fcm.provider, web.provider]) };
}

test('each push goes to the provider of its platform, which is named in the result', async () => {
  const { fcm, web, push } = both();
  expect(push).toMatchObject({ name: 'fcm+web-push', platforms: ['fcm', 'webpush'] });
  expect(await push.send(delivery('m1', 'webpush'))).toMatchObject({ outcome: 'sent', provider: 'web-push' });
  expect(await push.send(delivery('m2', 'fcm'))).toMatchObject({ outcome: 'sent', provider: 'fcm' });
  expect([fcm.taken, web.taken]).toEqual([['m2'], ['m1']]);
});

test.each(['onesignal', null] as const)('what none reaches is asked of none: %s', async (platform) => {
  const { fcm, web, push } = both();
  expect(await push.send(delivery('m1', platform))).toEqual({ outcome: 'rejected', reason: 'no_provider' });
  expect([fcm.taken, web.taken]).toEqual([[], []]);
});

test('whoever held the queue must be well for it to go on, and nobody else', async () => {
  const { fcm, web, push } = both();
  web.state.isWell = false;
  expect(await push.probe()).toBe(false);
  fcm.state.says = { outcome: 'held', reason: 'provider_unavailable' };
  fcm.state.isWell = false;
  await push.send(delivery('m1', 'fcm'));
  expect(await push.probe()).toBe(false);
  fcm.state.isWell = true;
  expect(await push.probe()).toBe(true);
});

test('all are closed', async () => {
  const { fcm, web, push } = both();
  await push.close();
  expect([fcm.state.closed, web.state.closed]).toEqual([true, true]);
});
