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
  const send = (result: ProviderResult) => health.run(async () => result);
  return { health, states, send, probes: () => probes };
}

const held: ProviderResult = { outcome: 'held', reason: 'provider_unavailable', response: 'no' };
const lost: ProviderResult = { outcome: 'ambiguous', reason: 'connection_lost' };

test('who turns a message away is left alone until a probe finds it well', async () => {
  let isWell = false;
  const { health, states, send, probes } = open({ well: () => isWell });
  expect(health.waitMs()).toBe(0);
  expect(await send(held)).toEqual(held);
  expect(health.state).toBe('open');
  expect(health.fault).toEqual(held);
  expect(health.waitMs()).toBeGreaterThan(0);
  await until(probes, (count) => count >= 3);
  expect([health.state === 'closed', health.fault]).toEqual([false, held]);
  isWell = true;
  await until(
    () => health.state,
    (state) => state === 'closed',
  );
  expect(health.waitMs()).toBe(0);
  expect(health.fault).toBeUndefined();
  expect(states.slice(0, 3)).toEqual(['open', 'half_open', 'open']);
  expect(states.slice(-2)).toEqual(['half_open', 'closed']);
  expect(await send({ outcome: 'sent' })).toEqual({ outcome: 'sent' });
});

test('lost connections open it when they come in a row, and a success begins anew', async () => {
  const { health, send } = open({ signs: 3 });
  for (const result of [lost, lost, { outcome: 'sent' } as const, lost, lost]) await send(result);
  expect(health.state).toBe('closed');
  await send(lost);
  expect(health.state).toBe('open');
});

test('answers of a server in trouble are signs too, what SMTP defers is not', async () => {
  const { health, send } = open({ signs: 2 });
  const deferred = { outcome: 'transient', reason: 'provider_transient', code: '451 4.7.1' } as const;
  const broken = { outcome: 'ambiguous', reason: 'provider_transient', code: '503' } as const;
  for (const result of [deferred, deferred, deferred, broken]) await send(result);
  expect(health.state).toBe('closed');
  await send(broken);
  expect(health.state).toBe('open');
});

test('one that is well only when it is probed is left alone for longer each time', async () => {
  const { health, send, states } = open({ baseMs: 20, capMs: 60_000 });
  const waits: number[] = [];
  for (let time = 0; time < 4; time += 1) {
    await send(held);
    waits.push(health.waitMs());
    await until(
      () => health.state,
      (state) => state === 'closed',
    );
  }
  expect(waits[3]).toBeGreaterThan(80);
  await send({ outcome: 'sent' });
  await send(held);
  expect(health.waitMs()).toBeLessThanOrEqual(20);
  expect(states.filter((state) => state === 'open')).toHaveLength(5);
});

test('what is wrong with a message is no sign of the provider', async () => {
  const { health, send } = open({ signs: 1 });
  for (const outcome of ['rejected', 'bounced', 'transient'] as const) {
    await send({ outcome, reason: 'rejected' });
  }
  expect(health.state).toBe('closed');
});

test('what was under way when it opened changes nothing more', async () => {
  const { health, states } = open({ well: () => false, baseMs: 60_000, capMs: 60_000 });
  const late = Promise.withResolvers<ProviderResult>();
  const running = [health.run(() => late.promise), health.run(() => late.promise)];
  await health.run(async () => held);
  late.resolve({ outcome: 'sent' });
  await Promise.all(running);
  expect([health.state, states]).toEqual(['open', ['open']]);
  const sent: string[] = [];
  const refused = await health.run(async () => {
    sent.push('sent');
    return { outcome: 'sent' };
  });
  expect([refused.outcome, sent]).toEqual(['held', []]);
});

test('it waits as long as the provider asks, but not for ever', async () => {
  const { health, send } = open();
  await send({ ...held, retryAfterMs: 120_000 });
  expect(health.waitMs()).toBeGreaterThan(100_000);
  const patient = open();
  await patient.send({ ...held, retryAfterMs: 1e12 });
  expect(patient.health.waitMs()).toBeLessThanOrEqual(3_600_000);
});

test('a probe that throws is one that found nothing', async () => {
  let count = 0;
  const health = createHealth({
    provider: {
      probe: async () => {
        count += 1;
        if (count < 3) throw new Error('no');
        return true;
      },
    },
    baseMs: 5,
    capMs: 5,
  });
  made.push(health);
  await health.run(async () => held);
  await until(
    () => health.state,
    (state) => state === 'closed',
  );
  expect(count).toBe(3);
});
