import { afterEach, expect, test } from 'vitest';
import { until } from '../../../../test/support/until.ts';
import type { ProviderResult } from '../providers/provider.ts';
import { createHealth, type Health, type HealthOptions, type HealthState } from './health.ts';

const made: Health[] = [];
afterEach(() => {
  for (const health of made.splice(0)) health.stop();
});

function open(options: Partial<HealthOptions> & { well?: () => boolean } = {}) {
  const states: HealthState[] = [];
  let probes = 0;
  const { well = () => true, ...more } = options;
  const health = createHealth({
    provider: {
      probe: async () => {
        probes += 1;
        return well();
      },
    },
    baseMs: 20,
    capMs: 60,
    onChange: (state) => states.push(state),
    ...more,
  });
  made.push(health);
  let sent = 0;
  const send = (result: ProviderResult, messageId = `msg_${sent}`) => {
    sent += 1;
    return health.run(messageId, async () => result);
  };
  const closed = () =>
    until(
      () => health.state,
      (state) => state === 'closed',
    );
  return { health, states, send, closed, probes: () => probes };
}

const sent: ProviderResult = { outcome: 'sent' };
const held: ProviderResult = { outcome: 'held', reason: 'provider_unavailable', response: 'no' };
const lost: ProviderResult = { outcome: 'ambiguous', reason: 'connection_lost' };

test('who turns a message away is left alone until a probe finds it well', async () => {
  let isWell = false;
  const { health, states, send, closed, probes } = open({ well: () => isWell });
  expect([health.waitMs(), health.admits()]).toEqual([0, true]);
  expect(await send(held)).toEqual(held);
  expect([health.state, health.fault, health.admits()]).toEqual(['open', held, false]);
  expect(health.waitMs()).toBeGreaterThan(0);
  await until(probes, (count) => count >= 3);
  expect([health.state === 'closed', health.fault]).toEqual([false, held]);
  isWell = true;
  await closed();
  expect([health.waitMs(), health.fault]).toEqual([0, undefined]);
  expect(states.slice(0, 3)).toEqual(['open', 'half_open', 'open']);
  expect(states.slice(-2)).toEqual(['half_open', 'closed']);
  expect(await send(sent)).toEqual(sent);
});

test('lost connections open it when they come in a row, and an answer begins anew', async () => {
  const { health, send } = open({ signs: 3 });
  for (const result of [lost, lost, sent, lost, lost]) await send(result);
  expect(health.state).toBe('closed');
  await send(lost);
  expect(health.state).toBe('open');
});

test('answers of a server in trouble are signs too, what SMTP defers is not', async () => {
  const { health, send } = open({ signs: 2 });
  const deferred = { outcome: 'transient', reason: 'provider_transient', code: '451 4.7.1' } as const;
  const broken = { outcome: 'ambiguous', reason: 'provider_transient', code: '503' } as const;
  for (const result of [deferred, broken, deferred, broken]) await send(result);
  expect(health.state).toBe('closed');
  await send(broken);
  expect(health.state).toBe('open');
});

test('whoever asks to be left alone for a while is, at once', async () => {
  const { health, send } = open();
  await send({ outcome: 'transient', code: '503', retryAfterMs: 120_000 });
  expect(health.waitMs()).toBeGreaterThan(100_000);
  const patient = open();
  await patient.send({ ...held, retryAfterMs: 1e12 });
  expect(patient.health.waitMs()).toBeLessThanOrEqual(3_600_000);
});

test('what is wrong with a message, or with where it goes, is no sign of the provider', async () => {
  const { health, send } = open({ signs: 1 });
  for (const outcome of ['rejected', 'bounced', 'transient'] as const) {
    await send({ outcome, reason: 'rejected' });
  }
  for (const one of [held, lost, { outcome: 'transient', code: '503', retryAfterMs: 3_600_000 } as const]) {
    await send({ ...one, blame: 'message' });
  }
  expect(health.state).toBe('closed');
});

test('one message that is turned away again while others go out has itself to blame', async () => {
  const { health, send, closed, states } = open();
  const busy: ProviderResult = { ...held, code: '421 4.3.2', blame: 'either' };
  expect(await send(busy, 'msg_poison')).toEqual(busy);
  await closed();
  await send(sent, 'msg_other');
  expect(await send(busy, 'msg_poison')).toMatchObject({ outcome: 'transient', code: '421 4.3.2' });
  expect([health.state, states.filter((state) => state === 'open')]).toEqual(['closed', ['open']]);
  // In an outage nothing goes out in between: it costs nothing.
  const out = open();
  for (let time = 0; time < 3; time += 1) {
    expect(await out.send(busy, 'msg_waiting')).toMatchObject({ outcome: 'held' });
    await out.closed();
  }
});

test('what was under way when it opened changes nothing more', async () => {
  const { health, states } = open({ well: () => false, baseMs: 60_000, capMs: 60_000 });
  const late = Promise.withResolvers<ProviderResult>();
  const running = [health.run('msg_1', () => late.promise), health.run('msg_2', () => late.promise)];
  await health.run('msg_3', async () => held);
  late.resolve(sent);
  await Promise.all(running);
  expect([health.state, states]).toEqual(['open', ['open']]);
  const tried: string[] = [];
  const refused = await health.run('msg_4', async () => {
    tried.push('sent');
    return sent;
  });
  expect([refused.outcome, tried]).toEqual(['held', []]);
});

test('what began before an outage says nothing of the time after it', async () => {
  const { health, send, closed } = open();
  const late = Promise.withResolvers<ProviderResult>();
  const running = health.run('msg_1', () => late.promise);
  await send(held);
  await closed();
  await send(sent);
  late.resolve(held);
  await running;
  expect(health.state).toBe('closed');
});

test('after a good probe it is on trial: one message at a time, until one is answered', async () => {
  const { health, send, closed } = open();
  await send(held);
  await closed();
  expect([health.admits(), health.admits(), health.admits()]).toEqual([true, false, false]);
  expect(health.waitMs()).toBeGreaterThan(0);
  await send({ outcome: 'rejected', reason: 'rejected' });
  expect([health.admits(), health.admits(), health.waitMs()]).toEqual([true, true, 0]);
});

test('one that is well only when it is probed is left alone for longer each time', async () => {
  const { health, send, closed, states } = open({ baseMs: 20, capMs: 60_000 });
  const waits: number[] = [];
  for (let time = 0; time < 4; time += 1) {
    await send(time === 0 ? held : lost);
    waits.push(health.waitMs());
    await closed();
  }
  expect(waits[3]).toBeGreaterThan(80);
  await send(sent);
  await send(held);
  expect(health.waitMs()).toBeLessThanOrEqual(20);
  expect(states.filter((state) => state === 'open')).toHaveLength(5);
});

test('a probe that throws, or that says nothing, is one that found nothing', async () => {
  let count = 0;
  const health = createHealth({
    provider: {
      probe: () => {
        count += 1;
        if (count === 1) throw new Error('no');
        if (count === 2) return Promise.reject(new Error('no'));
        return count === 3 ? new Promise(() => {}) : Promise.resolve(true);
      },
    },
    baseMs: 5,
    capMs: 5,
    probeMs: 20,
  });
  made.push(health);
  await health.run('msg_1', async () => held);
  await until(
    () => health.state,
    (state) => state === 'closed',
  );
  expect(count).toBe(4);
});

test('once stopped it tells nobody anything', async () => {
  const { health, send, states } = open();
  health.stop();
  await send(held);
  expect(states).toEqual([]);
});
