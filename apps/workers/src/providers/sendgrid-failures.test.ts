import { describe, expect, test } from 'vitest';
import { classifySendGridReply } from './sendgrid-failures.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5);

function classify(status: number, body = '', headers: Record<string, string> = {}) {
  return classifySendGridReply({ status, headers, body }, now);
}

function errorBody(message: string, field: string | null = null): string {
  return JSON.stringify({ errors: [{ message, field, help: null }] });
}

const misconfigured = 'held provider_configuration';
const unavailable = 'held provider_unavailable';
const toField = 'personalizations.0.to.0.email';

describe('classifySendGridReply', () => {
  test.each<[status: number, body: string, expected: string, code: string]>([
    [400, errorBody('Bad Request'), 'rejected rejected', '400'],
    [400, errorBody('The subject is required.', 'subject'), 'rejected rejected', '400 subject'],
    [
      400,
      errorBody('Does not contain a valid address.', toField),
      'bounced invalid_address',
      `400 ${toField}`,
    ],
    [
      400,
      errorBody('must have at least one email object with a valid email address.', 'personalizations.0.to'),
      'bounced invalid_address',
      '400 personalizations.0.to',
    ],
    // Ours is not the recipient's.
    [
      400,
      errorBody('Does not contain a valid address.', 'from.email'),
      'rejected rejected',
      '400 from.email',
    ],
    [400, errorBody('Invalid type. Expected: string.', toField), 'rejected rejected', `400 ${toField}`],
    [500, errorBody('Does not contain a valid address.', toField), 'ambiguous ambiguous', `500 ${toField}`],
    [413, '', 'rejected rejected', '413'],
    [415, '', 'rejected rejected', '415'],
    [401, errorBody('authorization required'), misconfigured, '401'],
    [401, errorBody('Maximum credits exceeded'), unavailable, '401'],
    [
      403,
      errorBody('The from address does not match a verified Sender Identity.', 'from'),
      misconfigured,
      '403 from',
    ],
    [404, '<html>No such page</html>', misconfigured, '404'],
    [405, '', misconfigured, '405'],
    [302, '', misconfigured, '302'],
    [408, '', 'transient provider_transient', '408'],
    [429, errorBody('too many requests'), unavailable, '429'],
    [503, '', 'transient provider_transient', '503'],
    [500, '', 'ambiguous ambiguous', '500'],
    [502, '<html>Bad gateway</html>', 'ambiguous ambiguous', '502'],
    [504, '', 'ambiguous ambiguous', '504'],
  ])('%i %s', (status, body, expected, code) => {
    const result = classify(status, body);
    expect(`${result.outcome} ${result.reason}`).toBe(expected);
    expect(result.code).toBe(code);
  });

  test('a 202 is sent, with the id SendGrid gave it', () => {
    expect(classify(202, '', { 'x-message-id': 'abc.123' })).toEqual({
      outcome: 'sent',
      code: '202',
      response: '',
      providerMessageId: 'abc.123',
    });
    expect(classify(202)).toEqual({ outcome: 'sent', code: '202', response: '' });
  });

  test.each(['null', '[]', '{"errors":7}', '{"errors":[null,7,{"message":{}}]}', '{"err', '<html>'])(
    'a body that is not of SendGrid’s form goes by its status alone: %s',
    (body) => {
      expect(classify(400, body)).toEqual({
        outcome: 'rejected',
        reason: 'rejected',
        code: '400',
        response: body,
      });
    },
  );

  test.each<[headers: Record<string, string>, expected: number | undefined]>([
    [{}, undefined],
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after': '7', 'x-ratelimit-reset': String(now / 1000 + 9) }, 7000],
    [{ 'x-ratelimit-reset': String(now / 1000 + 9) }, 9000],
    [{ 'x-ratelimit-reset': String(now / 1000 - 9) }, 0],
    [{ 'x-ratelimit-reset': '999999999999' }, 3_600_000],
    [{ 'x-ratelimit-reset': 'soon' }, undefined],
    [{ 'x-ratelimit-reset': '-5', 'retry-after': '-5' }, undefined],
  ])('says when to come back: %j', (headers, expected) => {
    for (const status of [429, 500, 503]) expect(classify(status, '', headers).retryAfterMs).toBe(expected);
    for (const status of [400, 403]) expect(classify(status, '', headers)).not.toHaveProperty('retryAfterMs');
  });
});
