import type { Platform } from '@tidings/contracts';
import type { ProviderRow, RouteRow } from '@tidings/db';
import { silentLog } from '@tidings/runtime';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../../../test/support/until.ts';
import type { Provider, ProviderResult } from '../providers/provider.ts';
import type { Leg } from './leg.ts';
import { createRoutes, type Destination, type Routes } from './routes.ts';

const open: Routes[] = [];
afterEach(async () => {
  for (const routes of open.splice(0)) await routes.stop();
});

interface Scripted extends Provider {
  answer: ProviderResult;
  isWell: boolean;
  closed: number;
}

function scripted(name: string, platforms?: Provider['platforms']): Scripted {
  const provider: Scripted = {
    name,
    platforms,
    answer: { outcome: 'sent' },
    isWell: true,
    closed: 0,
    send: async () => provider.answer,
    probe: async () => provider.isWell,
    close: async () => {
      provider.closed += 1;
    },
  };
  return provider;
}

const row = (id: string, more: Partial<ProviderRow> = {}): ProviderRow => ({
  id,
  projectId: 'prj_acme',
  name: id,
  kind: 'smtp',
  shown: {},
  sealed: '',
  perSecond: null,
  enabled: true,
  createdAt: 0,
  updatedAt: 0,
  ...more,
});

/** Routes over what `record` holds, which a test may change; each provider of a project is scripted by its id. */
function start(
  record: { routes: Array<Partial<RouteRow>>; providers: ProviderRow[] },
  options: { email?: Scripted[]; push?: Scripted[]; baseMs?: number; capMs?: number } = {},
) {
  const { baseMs = 60_000, capMs = 60_000, ...instance } = options;
  const made = new Map<string, Scripted>();
  const routes = createRoutes({
    store: { allRoutes: async () => record as { routes: RouteRow[]; providers: ProviderRow[] } },
    providers: {
      instance: {
        email: (instance.email ?? [scripted('smtp')]).map((provider) => () => provider),
        push: (instance.push ?? [scripted('fcm', ['fcm'])]).map((provider) => () => provider),
      },
      ofProject: ({ id, kind, sealed }) => {
        if (sealed === 'unreadable') throw new Error('it cannot be opened');
        const provider = scripted(id, kind === 'smtp' ? undefined : [kind as Platform]);
        made.set(id, provider);
        return () => provider;
      },
    },
    log: silentLog(),
    routesMs: 0,
    health: { baseMs, capMs },
  });
  open.push(routes);
  return { routes, made };
}

let asked = 0;
/** Where a message of its own goes. */
const to = (more: Partial<Destination> = {}): Destination => {
  asked += 1;
  return {
    id: `msg_${asked}`,
    projectId: 'prj_acme',
    channel: 'email',
    lane: 'normal',
    platform: null,
    failures: 0,
    ...more,
  };
};

const route = { projectId: 'prj_acme', channel: 'email', providerIds: ['prv_a', 'prv_b'] } as const;
const both = {
  routes: [{ ...route, providerIds: [...route.providerIds] }],
  providers: [row('prv_a'), row('prv_b')],
};

const sendBy = (leg: Leg | undefined) => leg?.send('email', { messageId: 'msg_0' } as never);
const hold = async (leg: Leg | undefined, provider: Scripted, more: Partial<ProviderResult> = {}) => {
  provider.answer = { outcome: 'held', reason: 'provider_unavailable', ...more };
  await sendBy(leg);
};

test('without a route of its own a project is delivered for by the providers of the instance', async () => {
  const { routes } = start(both);
  await routes.refresh();
  expect(routes.next(to({ projectId: 'prj_other' }))?.name).toBe('smtp');
  expect(routes.next(to())?.name).toBe('prv_a (smtp)');
});

test('two tries at a provider, then two at the next, and round again', async () => {
  const { routes } = start(both);
  await routes.refresh();
  const order = [0, 1, 2, 3, 4, 5].map((failures) => routes.next(to({ failures }))?.id);
  expect(order).toEqual(['prv_a', 'prv_a', 'prv_b', 'prv_b', 'prv_a', 'prv_a']);
});

test('one that is unwell is passed over, and with all of them unwell a message waits', async () => {
  const { routes, made } = start(both);
  await routes.refresh();
  const [a, b] = [routes.next(to()), routes.next(to({ failures: 2 }))];
  await hold(a, made.get('prv_a') as Scripted, { reason: 'provider_configuration', code: '535' });
  expect(routes.next(to())).toBe(b);
  expect([routes.waitFor(to()), routes.room(to())]).toEqual([undefined, 128]);
  expect(routes.faults()).toEqual([
    { id: 'prv_a', state: 'open', reason: 'provider_configuration', code: '535' },
  ]);
  await hold(b, made.get('prv_b') as Scripted);
  expect(routes.next(to())).toBeUndefined();
  expect(routes.waitFor(to())).toEqual({ ms: 15_000, reason: 'provider_unavailable' });
  expect([routes.reaches(to()), routes.room(to())]).toEqual([true, 0]);
  expect(routes.waitFor(to({ projectId: 'prj_other' }))).toBeUndefined();
});

test('a platform that no provider of the route reaches is known, whatever their health', async () => {
  const fcm = scripted('fcm', ['fcm']);
  const { routes } = start({ routes: [], providers: [] }, { push: [fcm, scripted('web-push', ['webpush'])] });
  await routes.refresh();
  const push = (platform: Destination['platform']) => to({ channel: 'push', platform });
  const leg = routes.next(push('fcm'));
  expect([leg?.name, routes.next(push('webpush'))?.name]).toEqual(['fcm', 'web-push']);
  expect([routes.reaches(push('onesignal')), routes.waitFor(push('onesignal'))]).toEqual([false, undefined]);
  await hold(leg, fcm);
  expect(routes.waitFor(push('fcm'))?.reason).toBe('provider_unavailable');
  expect(routes.waitFor(push('webpush'))).toBeUndefined();
  // Some of the project's pushes can go out.
  expect(routes.room(push(null))).toBe(Number.POSITIVE_INFINITY);
});

test('what is changed on record holds at the next reading: another order, other settings, switched off', async () => {
  const record = { routes: [{ ...both.routes[0] }], providers: [...both.providers] };
  const { routes, made } = start(record);
  await routes.refresh();
  const before = routes.next(to());
  const first = made.get('prv_a') as Scripted;
  await hold(before, first);
  record.routes = [{ ...route, providerIds: ['prv_b', 'prv_a'] }];
  await routes.refresh();
  expect(routes.next(to())?.id).toBe('prv_b');
  // Other settings: a provider that nobody has found fault with, and the old one is closed.
  record.providers = [row('prv_a', { sealed: 'anew' }), row('prv_b', { enabled: false })];
  await routes.refresh();
  expect(routes.next(to())?.id).toBe('prv_a');
  expect(routes.faults()).toEqual([]);
  await until(
    () => first.closed,
    (closed) => closed === 1,
  );
});

test('a route whose providers are all switched off waits, and so does one whose settings cannot be read', async () => {
  const off = { ...both, providers: [row('prv_a', { enabled: false }), row('prv_b', { enabled: false })] };
  const { routes } = start(off);
  await routes.refresh();
  expect([routes.next(to()), routes.reaches(to()), routes.room(to())]).toEqual([undefined, true, 0]);
  expect(routes.waitFor(to())).toEqual({ ms: 1000, reason: 'provider_unavailable' });
  const sealed = { ...both, providers: [row('prv_a', { sealed: 'unreadable' }), row('prv_b')] };
  const { routes: others } = start(sealed);
  await others.refresh();
  expect(await sendBy(others.next(to()))).toMatchObject({
    outcome: 'held',
    reason: 'provider_configuration',
  });
  expect(others.next(to())?.id).toBe('prv_b');
});

test('a provider that is slow keeps no more of a worker’s places than it gets done', async () => {
  const { routes, made } = start(both);
  await routes.refresh();
  const slow = made.get('prv_a') as Scripted;
  const { promise, resolve } = Promise.withResolvers<ProviderResult>();
  slow.send = () => promise;
  const leg = routes.next(to());
  const sending: Array<Promise<ProviderResult> | undefined> = [];
  let told: unknown;
  while (told === undefined && sending.length < 1000) {
    told = routes.waitFor(to());
    if (told === undefined) sending.push(leg?.send('email', { messageId: 'msg_0' } as never));
  }
  expect([sending.length, told]).toEqual([64, { ms: 250, reason: 'rate_limited' }]);
  expect(routes.waitFor(to({ lane: 'critical' }))).toBeUndefined();
  expect(routes.waitFor(to({ projectId: 'prj_other' }))).toBeUndefined();
  resolve({ outcome: 'sent' });
  await Promise.all(sending);
  expect(routes.waitFor(to())).toBeUndefined();
});

test('a provider with a pace is handed no more than that; a critical message goes first', async () => {
  const paced = { ...both, providers: [row('prv_a', { perSecond: 10 }), row('prv_b')] };
  paced.routes = [{ ...route, providerIds: ['prv_a'] }];
  const { routes } = start(paced);
  await routes.refresh();
  expect(routes.room(to())).toBe(20);
  const messages = Array.from({ length: 12 }, () => to());
  const waits = messages.map((message) => routes.waitFor(message)?.ms ?? 0);
  expect(waits.slice(1).every((ms, index) => ms > (waits[index] ?? 0))).toBe(true);
  expect(routes.waitFor(to())?.reason).toBe('rate_limited');
  expect(routes.room(to())).toBeLessThanOrEqual(10);
  expect(routes.waitFor(to({ lane: 'critical' }))).toBeUndefined();
});

test('a message has its place at one provider, and at another one only if that has room too', async () => {
  const paced = { ...both, providers: [row('prv_a'), row('prv_b', { perSecond: 1 })] };
  const { routes, made } = start(paced);
  await routes.refresh();
  const messages = Array.from({ length: 5 }, () => to());
  expect(messages.map((message) => routes.waitFor(message))).toEqual(messages.map(() => undefined));
  const [first, ...rest] = messages as [Destination, ...Destination[]];
  await hold(routes.take(first), made.get('prv_a') as Scripted);
  expect(rest.map((message) => routes.take(message)?.id)).toEqual([
    'prv_b',
    ...rest.slice(1).map(() => undefined),
  ]);
});

test('a provider on trial gets one message, the others go to the next', async () => {
  const { routes, made } = start(both, { baseMs: 5, capMs: 5 });
  await routes.refresh();
  await hold(routes.take(to()), made.get('prv_a') as Scripted);
  await until(
    () => routes.faults(),
    (faults) => faults.length === 0,
  );
  const taken = Array.from({ length: 4 }, () => routes.take(to())?.id);
  expect(taken).toEqual(['prv_a', 'prv_b', 'prv_b', 'prv_b']);
});

test('a route of many providers gives each of them its turn', async () => {
  const ids = ['prv_a', 'prv_b', 'prv_c', 'prv_d', 'prv_e', 'prv_f'];
  const many = { routes: [{ ...route, providerIds: ids }], providers: ids.map((id) => row(id)) };
  const { routes } = start(many);
  await routes.refresh();
  expect([0, 1, 2, 3, 4, 5].map((failures) => routes.next(to({ failures }))?.id)).toEqual(ids);
});

test('while the one provider of a platform is switched off its pushes wait, those of others go', async () => {
  const pushes = { projectId: 'prj_acme', channel: 'push', providerIds: ['prv_one', 'prv_web'] } as const;
  const { routes } = start({
    routes: [{ ...pushes, providerIds: [...pushes.providerIds] }],
    providers: [row('prv_one', { kind: 'onesignal', enabled: false }), row('prv_web', { kind: 'webpush' })],
  });
  await routes.refresh();
  const push = (platform: Destination['platform']) => to({ channel: 'push', platform });
  expect([routes.reaches(push('onesignal')), routes.reaches(push('fcm'))]).toEqual([true, false]);
  expect(routes.waitFor(push('onesignal'))).toEqual({ ms: 1000, reason: 'provider_unavailable' });
  expect([routes.waitFor(push('webpush')), routes.room(push(null))]).toEqual([undefined, 128]);
});

test('another name is the same provider; one that is replaced is closed when nothing is in hand any more', async () => {
  const record = { routes: [{ ...both.routes[0] }], providers: [...both.providers] };
  const { routes, made } = start(record);
  await routes.refresh();
  const first = made.get('prv_a') as Scripted;
  const { promise, resolve } = Promise.withResolvers<ProviderResult>();
  first.send = () => promise;
  const leg = routes.take(to());
  const sending = sendBy(leg);
  record.providers = [row('prv_a', { name: 'renamed', updatedAt: 7 }), row('prv_b')];
  await routes.refresh();
  expect([routes.next(to())?.name, routes.next(to()) === leg]).toEqual(['renamed (smtp)', true]);
  record.providers = [row('prv_a', { sealed: 'other' }), row('prv_b')];
  await routes.refresh();
  expect([first.closed, routes.next(to()) === leg]).toEqual([0, false]);
  resolve({ outcome: 'held', reason: 'provider_unavailable' });
  await sending;
  await until(
    () => first.closed,
    (closed) => closed === 1,
  );
  expect(routes.faults()).toEqual([]);
});
