import { describe, expect, test } from 'vitest';
import {
  AccessTokenFailure,
  blameForTokenReply,
  classifyFcmReply,
  classifyHttp2Failure,
  classifyTokenFailure,
  isTokenRefused,
} from './fcm-failures.ts';
import { Http2Failure } from './http2-session.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5);
const fcmError = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';

/** An error as FCM writes it. `errorCode` stands among details that have none. */
function errorBody(status: string, errorCode?: string, message = 'It says why.'): string {
  const details = [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [] }, null];
  return JSON.stringify({
    error: { status, message, details: errorCode ? [...details, { '@type': fcmError, errorCode }] : details },
  });
}

function classify(status: number, body = '', retryAfter?: string) {
  return classifyFcmReply({ status, headers: { 'retry-after': retryAfter }, body }, now);
}

const misconfigured = 'held provider_configuration';
const transient = 'transient provider_transient';

describe('classifyFcmReply', () => {
  test.each<[status: number, body: string, expected: string, code: string]>([
    [400, errorBody('INVALID_ARGUMENT', 'INVALID_ARGUMENT'), 'rejected rejected', '400 INVALID_ARGUMENT'],
    [400, errorBody('INVALID_ARGUMENT'), 'rejected rejected', '400 INVALID_ARGUMENT'],
    [404, errorBody('NOT_FOUND', 'UNREGISTERED'), 'bounced invalid_address', '404 UNREGISTERED'],
    [404, errorBody('UNREGISTERED'), 'bounced invalid_address', '404 UNREGISTERED'],
    [404, errorBody('NOT_FOUND'), misconfigured, '404 NOT_FOUND'],
    [404, '<html>No such page</html>', misconfigured, '404'],
    [
      403,
      errorBody('PERMISSION_DENIED', 'SENDER_ID_MISMATCH'),
      'bounced invalid_address',
      '403 SENDER_ID_MISMATCH',
    ],
    [403, errorBody('PERMISSION_DENIED'), misconfigured, '403 PERMISSION_DENIED'],
    [401, errorBody('UNAUTHENTICATED'), misconfigured, '401 UNAUTHENTICATED'],
    [
      401,
      errorBody('UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR'),
      'transient provider_configuration',
      '401 THIRD_PARTY_AUTH_ERROR',
    ],
    [
      429,
      errorBody('RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'),
      'held provider_unavailable',
      '429 QUOTA_EXCEEDED',
    ],
    [429, '', 'held provider_unavailable', '429'],
    [500, errorBody('INTERNAL', 'INTERNAL'), transient, '500 INTERNAL'],
    [503, errorBody('UNAVAILABLE', 'UNAVAILABLE'), transient, '503 UNAVAILABLE'],
    [502, '<html>Bad gateway</html>', transient, '502'],
    [504, '', transient, '504'],
    [599, '', transient, '599'],
    [405, '', 'rejected rejected', '405'],
    [413, '', 'rejected rejected', '413'],
    [301, '', misconfigured, '301'],
    [307, '', misconfigured, '307'],
    // The word alone deactivates no device.
    [400, errorBody('INVALID_ARGUMENT', 'UNREGISTERED'), 'rejected rejected', '400 UNREGISTERED'],
    [503, errorBody('UNAVAILABLE', 'SENDER_ID_MISMATCH'), transient, '503 SENDER_ID_MISMATCH'],
  ])('%i %s', (status, body, expected, code) => {
    const { outcome, reason, ...more } = classify(status, body);
    expect(`${outcome} ${reason}`).toBe(expected);
    expect(more.code).toBe(code);
  });

  test('a 200 is sent, with the name FCM gave it', () => {
    const name = 'projects/my-app/messages/0:1500415314455276%31bd1c9631bd1c96';
    expect(classify(200, JSON.stringify({ name }))).toEqual({ outcome: 'sent', code: '200', response: name });
  });

  test.each([
    ['', ''],
    ['half of a {"na', 'half of a {"na'],
    ['{"name": 7}', '{"name": 7}'],
    ['null', 'null'],
    ['"projects"', '"projects"'],
    ['[]', '[]'],
  ])('a 200 is sent also when it says %j', (body, response) => {
    expect(classify(200, body)).toEqual({ outcome: 'sent', code: '200', response });
  });

  test.each([
    '{"error": null}',
    '{"error": "no"}',
    '{"error": {"details": {}, "status": {}}}',
    '{"error": {"details": [null, 7, "x", {"errorCode": 5}], "status": "not a word!"}}',
    '{"error": {"message": {}}}',
  ])('an error that is not of FCM’s form goes by its status alone: %s', (body) => {
    expect(classify(503, body)).toEqual({
      outcome: 'transient',
      reason: 'provider_transient',
      code: '503',
      response: body,
    });
  });

  test('what FCM says is kept on one line, cut to 500 characters', () => {
    const { response } = classify(
      400,
      errorBody('INVALID_ARGUMENT', undefined, `a\r\n\u0007b${'x'.repeat(1000)}`),
    );
    expect(response).toHaveLength(500);
    expect(response).toMatch(/^a bxx/);
  });

  test.each<[retryAfter: string | undefined, of503: number | undefined, of429: number]>([
    [undefined, undefined, 60_000],
    ['', undefined, 60_000],
    ['0', 0, 0],
    ['7', 7000, 7000],
    [' 7 ', 7000, 7000],
    ['3601', 3_600_000, 3_600_000],
    ['9'.repeat(400), 3_600_000, 3_600_000],
    ['-5', undefined, 60_000],
    ['1.5', undefined, 60_000],
    ['1e3', undefined, 60_000],
    ['soon', undefined, 60_000],
    ['Monday, or so', undefined, 60_000],
    [new Date(now + 90_000).toUTCString(), 90_000, 90_000],
    [new Date(now - 90_000).toUTCString(), 0, 0],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 3_600_000, 3_600_000],
  ])('Retry-After %j', (retryAfter, of503, of429) => {
    expect(classify(503, '', retryAfter).retryAfterMs).toBe(of503);
    expect(classify(500, '', retryAfter).retryAfterMs).toBe(of503);
    expect(classify(429, '', retryAfter).retryAfterMs).toBe(of429);
    expect(classify(400, '', retryAfter)).not.toHaveProperty('retryAfterMs');
  });
});

test.each([
  [401, errorBody('UNAUTHENTICATED'), true],
  [401, '', true],
  [401, errorBody('UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR'), false],
  [403, errorBody('PERMISSION_DENIED'), false],
  [200, '', false],
])('another access token would help: %i %s: %s', (status, body, expected) => {
  expect(isTokenRefused({ status, headers: {}, body })).toBe(expected);
});

test.each([
  ['not_sent', 'held provider_unavailable'],
  ['refused', 'held provider_unavailable'],
  ['unknown', 'ambiguous connection_lost'],
] as const)('without a reply, %s', (fate, expected) => {
  const result = classifyHttp2Failure(new Http2Failure(fate, 'ECONNRESET', 'read ECONNRESET'));
  expect(`${result.outcome} ${result.reason}`).toBe(expected);
  expect(result).toMatchObject({ code: 'ECONNRESET', response: 'read ECONNRESET' });
});

test.each([
  [400, 'provider_configuration'],
  [401, 'provider_configuration'],
  [403, 'provider_configuration'],
  [404, 'provider_configuration'],
  [302, 'provider_configuration'],
  [408, 'provider_unavailable'],
  [429, 'provider_unavailable'],
  [500, 'provider_unavailable'],
  [503, 'provider_unavailable'],
] as const)('the token endpoint says %i: %s', (status, reason) => {
  expect(blameForTokenReply(status)).toBe(reason);
  const failure = new AccessTokenFailure(reason, String(status), 'No');
  expect(classifyTokenFailure(failure)).toEqual({
    outcome: 'held',
    reason,
    code: String(status),
    response: 'No',
  });
});
