import { describe, expect, test } from 'vitest';
import { HttpFailure } from './http-client.ts';
import { classifyWebPushFailure, classifyWebPushReply, type WebPushContext } from './web-push-failures.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5);

function classify(
  status: number,
  body = '',
  context: Partial<WebPushContext> = {},
  headers: Record<string, string> = {},
) {
  return classifyWebPushReply(
    { status, headers, body },
    { isKnownService: true, isKnownHost: true, failures: 0, now, ...context },
  );
}

const chromeOtherKey =
  'the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.';
const chromeOtherSender =
  'the key in the authorization header does not correspond to the sender ID used to subscribe this user.';
const firefoxOtherKey =
  '{"code":401,"errno":109,"error":"Unauthorized","message":"VAPID public key mismatch"}';

const bounced = 'bounced invalid_address';
const transient = 'transient provider_transient';
const ofVapid = 'transient provider_configuration';
const misconfigured = 'held provider_configuration';

describe('classifyWebPushReply', () => {
  test.each<[status: number, body: string, expected: string, ofAnyHost: string, waitMs?: number]>([
    [301, '', 'rejected rejected', 'rejected rejected'],
    [307, '', 'rejected rejected', 'rejected rejected'],
    [410, '', bounced, bounced],
    [404, '', transient, transient, 60_000],
    [413, '', 'rejected rejected', 'rejected rejected'],
    [429, '', transient, transient, 60_000],
    [403, chromeOtherKey, bounced, bounced],
    [403, chromeOtherSender, bounced, bounced],
    [401, firefoxOtherKey, bounced, bounced],
    [403, '{"reason":"VapidPkHashMismatch"}', bounced, bounced],
    [400, '{"reason":"VapidPkHashMismatch"}', bounced, bounced],
    // Only where the status says it too.
    [503, chromeOtherKey, transient, transient],
    [403, '{"reason":"BadJwtToken"}', misconfigured, ofVapid],
    [403, 'invalid JWT provided', misconfigured, ofVapid],
    [401, 'authorization header must be specified.', ofVapid, ofVapid, 900_000],
    [403, '', ofVapid, ofVapid, 900_000],
    [400, 'UnauthorizedRegistration', ofVapid, ofVapid, 900_000],
    [408, '', transient, transient, 60_000],
    [405, '', 'rejected rejected', 'rejected rejected'],
    [500, '', transient, transient],
    [502, '<html>Bad gateway</html>', transient, transient],
    [503, '', transient, transient],
  ])('%i %s', (status, body, expected, ofAnyHost, waitMs) => {
    const { outcome, reason, retryAfterMs, ...more } = classify(status, body);
    expect(`${outcome} ${reason}`).toBe(expected);
    expect(retryAfterMs).toBe(waitMs);
    expect(more).toEqual({ code: String(status), response: body });
    const other = classify(status, body, { isKnownService: false });
    expect(`${other.outcome} ${other.reason}`).toBe(ofAnyHost);
    expect(other.outcome).not.toBe('held');
    expect(other.blame).toBe('message');
  });

  test.each([200, 201, 202, 204])('%i is sent', (status) => {
    for (const isKnownService of [true, false]) {
      const result = classify(status, 'ok', { isKnownService });
      expect(result).toEqual({ outcome: 'sent', code: String(status), response: 'ok' });
    }
  });

  test('a 404 bounces after two failures, not after one, which may have been of anything', () => {
    expect(classify(404, '', { failures: 1 }).outcome).toBe('transient');
    expect(classify(404, '', { failures: 2 })).toMatchObject({
      outcome: 'bounced',
      reason: 'invalid_address',
    });
  });

  test('Retry-After is passed on', () => {
    for (const status of [404, 429, 500, 503]) {
      expect(classify(status, '', {}, { 'retry-after': '7' }).retryAfterMs).toBe(7000);
    }
    expect(classify(410, '', {}, { 'retry-after': '7' })).not.toHaveProperty('retryAfterMs');
  });
});

test.each([
  ['not_sent', 'EUNSAFE', 'rejected invalid_address', 'rejected invalid_address'],
  ['not_sent', 'ECONNREFUSED', 'held provider_unavailable', 'transient provider_unavailable'],
  ['not_sent', 'ENOTFOUND', 'held provider_unavailable', 'transient provider_unavailable'],
  // We are closing: nobody's fault.
  ['not_sent', 'ECLOSED', 'held provider_unavailable', 'held provider_unavailable'],
  ['not_sent', 'CERT_HAS_EXPIRED', 'held provider_configuration', 'transient provider_unavailable'],
  ['unknown', 'ETIMEDOUT', 'ambiguous connection_lost', 'ambiguous connection_lost'],
] as const)('without a reply: %s, %s', (fate, code, expected, ofAnyHost) => {
  const failure = new HttpFailure(fate, code, 'It says why');
  const [known, other] = [true, false].map((isKnownService) =>
    classifyWebPushFailure(failure, { isKnownService, isKnownHost: isKnownService }),
  );
  // Under the domain of a push service: anybody can make up a host, and the service itself may be away for long.
  const made = classifyWebPushFailure(failure, { isKnownService: true, isKnownHost: false });
  expect(`${made.outcome} ${made.reason}`).toBe(ofAnyHost);
  if (made.outcome !== 'held' && made.outcome !== 'rejected') expect(made.blame).toBe('message');
  if (made.reason === 'provider_unavailable' && code !== 'ECLOSED') expect(made.retryAfterMs).toBe(900_000);
  expect(`${known?.outcome} ${known?.reason}`).toBe(expected);
  expect(`${other?.outcome} ${other?.reason}`).toBe(ofAnyHost);
  expect(known).toMatchObject({ code, response: 'It says why' });
  expect(known).not.toHaveProperty('blame');
  if (other?.outcome !== 'held' && other?.outcome !== 'rejected') expect(other?.blame).toBe('message');
});
