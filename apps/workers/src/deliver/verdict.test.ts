import { attemptOutcomes, countsFailure } from '@tidings/contracts';
import { describe, expect, test } from 'vitest';
import { defaultRetryPolicy, retryDelayMs } from './backoff.ts';
import { verdictOn } from './verdict.ts';

const fresh = { failures: 0, onAmbiguous: 'resend' as const };
const policy = defaultRetryPolicy;
const full = () => 1;

describe('what becomes of a message after an attempt', () => {
  test('what counts against the budget is what an explanation says', () => {
    for (const outcome of attemptOutcomes) {
      if (outcome === 'started' || outcome === 'lost') continue;
      const verdict = verdictOn({ outcome }, fresh, policy, full);
      expect('countsFailure' in verdict && verdict.countsFailure, outcome).toBe(countsFailure[outcome]);
    }
  });

  test('sent is sent', () => {
    expect(verdictOn({ outcome: 'sent' }, fresh, policy, full)).toEqual({ status: 'sent' });
  });

  test('a transient failure costs one of the budget and waits in the queue while that is short', () => {
    expect(verdictOn({ outcome: 'transient' }, fresh, policy, full)).toEqual({
      status: 'retrying',
      reason: 'provider_transient',
      countsFailure: true,
      delayMs: 1000,
      park: false,
    });
  });

  test('what waits more than a minute waits in SQL', () => {
    const late = { ...fresh, failures: 6 };
    expect(verdictOn({ outcome: 'transient' }, late, policy, full)).toMatchObject({
      delayMs: 64_000,
      park: true,
    });
  });

  test('the last failure of the budget makes a dead letter', () => {
    const last = { ...fresh, failures: policy.maxFailures - 1 };
    expect(verdictOn({ outcome: 'transient' }, last, policy, full)).toMatchObject({
      status: 'failed',
      reason: 'attempts_exhausted',
    });
  });

  test('a provider that is unwell costs nothing', () => {
    const last = { ...fresh, failures: policy.maxFailures - 1 };
    const held = { outcome: 'held' } as const;
    const retrying = { status: 'retrying', reason: 'provider_unavailable', countsFailure: false };
    expect(verdictOn(held, last, policy, full, 800)).toEqual({ ...retrying, delayMs: 800, park: true });
    expect(verdictOn(held, last, policy, full, 0)).toEqual({ ...retrying, delayMs: 0, park: false });
  });

  test('a permanent failure ends at once, with the address given up where it is no use', () => {
    expect(verdictOn({ outcome: 'rejected' }, fresh, policy, full)).toMatchObject({
      status: 'failed',
      reason: 'rejected',
    });
    expect(verdictOn({ outcome: 'bounced' }, fresh, policy, full)).toMatchObject({
      status: 'bounced',
      reason: 'invalid_address',
    });
  });

  test('in doubt it is sent again, or held where the template says so, and never called failed', () => {
    const ambiguous = { outcome: 'ambiguous' as const };
    expect(verdictOn(ambiguous, fresh, policy, full)).toMatchObject({
      status: 'retrying',
      countsFailure: true,
    });
    const unknown = { status: 'unknown', reason: 'ambiguous' };
    expect(verdictOn(ambiguous, { ...fresh, onAmbiguous: 'hold' }, policy, full)).toMatchObject(unknown);
    const last = { ...fresh, failures: policy.maxFailures - 1 };
    expect(verdictOn(ambiguous, last, policy, full)).toMatchObject(unknown);
  });
});

describe('the wait before the next try', () => {
  test('it doubles up to the cap, with full jitter', () => {
    const at = (failures: number, random = 1) => retryDelayMs({ failures, policy, random: () => random });
    expect([1, 2, 3, 4].map((failures) => at(failures))).toEqual([1000, 2000, 4000, 8000]);
    expect(at(30)).toBe(policy.capMs);
    expect(at(3, 0.25)).toBe(1000);
  });

  test('it is never shorter than the provider asked for, within a second and an hour', () => {
    const asked = (retryAfterMs: number) =>
      retryDelayMs({ failures: 1, policy, retryAfterMs, random: () => 0 });
    expect([asked(5000), asked(-1), asked(1e12)]).toEqual([5000, 1000, 3_600_000]);
  });
});
