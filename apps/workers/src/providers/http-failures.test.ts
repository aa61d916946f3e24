import { expect, test } from 'vitest';
import { HttpFailure } from './http-client.ts';
import { classifyHttpFailure } from './http-failures.ts';

test.each([
  ['not_sent', 'ECONNREFUSED', 'held provider_unavailable'],
  ['not_sent', 'ENOTFOUND', 'held provider_unavailable'],
  ['not_sent', 'EAI_AGAIN', 'held provider_unavailable'],
  ['not_sent', 'UND_ERR_CONNECT_TIMEOUT', 'held provider_unavailable'],
  ['not_sent', 'ECONNRESET', 'held provider_unavailable'],
  ['not_sent', 'CERT_HAS_EXPIRED', 'held provider_configuration'],
  ['not_sent', 'ERR_TLS_CERT_ALTNAME_INVALID', 'held provider_configuration'],
  ['not_sent', 'ERR_SSL_WRONG_VERSION_NUMBER', 'held provider_configuration'],
  ['not_sent', 'EPROTO', 'held provider_configuration'],
  ['unknown', 'UND_ERR_SOCKET', 'ambiguous connection_lost'],
  ['unknown', 'ETIMEDOUT', 'ambiguous connection_lost'],
  ['unknown', 'ERR_SSL_BAD_RECORD_TYPE', 'ambiguous connection_lost'],
] as const)('without a reply: %s, %s', (fate, code, expected) => {
  const result = classifyHttpFailure(new HttpFailure(fate, code, 'What\nhappened'));
  expect(`${result.outcome} ${result.reason}`).toBe(expected);
  expect(result).toMatchObject({ code, response: 'What happened' });
});
