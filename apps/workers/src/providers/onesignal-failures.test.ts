import { describe, expect, test } from 'vitest';
import { HttpFailure } from './http-client.ts';
import { classifyOneSignalFailure, classifyOneSignalReply } from './onesignal-failures.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5);

function classify(status: number, body: unknown = '', headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return classifyOneSignalReply({ status, headers, body: text }, now);
}

const bounced = 'bounced invalid_address';
const rejected = 'rejected rejected';
const misconfigured = 'held provider_configuration';
const unavailable = 'held provider_unavailable';
const transient = 'transient provider_transient';

describe('classifyOneSignalReply', () => {
  test.each<[status: number, body: unknown, expected: string]>([
    [200, { id: '', errors: { invalid_player_ids: ['a'] } }, bounced],
    [200, { id: '', errors: { invalid_subscription_ids: ['a'] } }, bounced],
    [200, { errors: { invalid_player_ids: ['a'] } }, bounced],
    [200, { id: '', errors: ['All included players are not subscribed'] }, rejected],
    [200, { id: '' }, rejected],
    [200, { id: '', errors: { invalid_player_ids: [] } }, rejected],
    [200, { id: '', errors: { invalid_external_user_ids: ['a'] } }, rejected],
    [200, { errors: ['No recipients'] }, rejected],
    [200, '', transient],
    [200, '{"id": "5dc', transient],
    [200, '<html>Log in to this network</html>', transient],
    [200, { id: 7 }, transient],
    [200, 'null', transient],
    [302, '', misconfigured],
    [400, { errors: ['Notification content must not be null for any languages.'] }, rejected],
    [400, { errors: ['app_id not found. You may be missing a Content-Type header.'] }, misconfigured],
    [400, '', rejected],
    [401, { errors: ['Please include a case-sensitive header of Authorization'] }, misconfigured],
    [403, { errors: ['Access denied.'] }, misconfigured],
    [404, '', misconfigured],
    [405, '', misconfigured],
    [408, '', transient],
    [413, '', rejected],
    [429, { errors: ['API rate limit exceeded.'] }, unavailable],
    [500, '', transient],
    [502, '<html>Bad gateway</html>', transient],
    [503, '', transient],
    // Only a 200 says which subscriptions there are.
    [500, { errors: { invalid_player_ids: ['a'] } }, transient],
  ])('%i %j', (status, body, expected) => {
    const result = classify(status, body);
    expect(`${result.outcome} ${result.reason}`).toBe(expected);
    expect(result.code).toBe(String(status));
    expect(result).not.toHaveProperty('providerMessageId');
  });

  test('a 200 with an id is sent', () => {
    const id = '458dcec4-cf53-11e3-add2-000c2940e62c';
    expect(classify(200, { id, external_id: null })).toMatchObject({
      outcome: 'sent',
      code: '200',
      providerMessageId: id,
    });
  });

  test('the texts of errors are what is kept', () => {
    expect(classify(400, { errors: ['One.', 7, 'Two.'] }).response).toBe('One. Two.');
  });

  test('Retry-After is passed on', () => {
    for (const status of [429, 500, 503]) {
      expect(classify(status, '', { 'retry-after': '7' }).retryAfterMs).toBe(7000);
      expect(classify(status)).not.toHaveProperty('retryAfterMs');
    }
  });
});

test.each([
  ['not_sent', 'ECONNREFUSED', 'held provider_unavailable'],
  ['not_sent', 'CERT_HAS_EXPIRED', 'held provider_configuration'],
  // With the same idempotency key the next try makes no copy.
  ['unknown', 'ETIMEDOUT', 'transient connection_lost'],
] as const)('without a reply: %s, %s', (fate, code, expected) => {
  const result = classifyOneSignalFailure(new HttpFailure(fate, code, 'It says why'));
  expect(`${result.outcome} ${result.reason}`).toBe(expected);
});
