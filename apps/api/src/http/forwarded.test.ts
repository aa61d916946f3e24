import { describe, expect, test } from 'vitest';
import { addressOf, protocolOf } from './forwarded.ts';

const peer = '203.0.113.9';
const forwardedFor = (list: string) => new Headers({ 'x-forwarded-for': list });

describe('where a request comes from', () => {
  test.each([
    ['without a proxy it is the peer, whatever the header says', 0, '192.0.2.1', peer],
    ['one proxy: the last one', 1, '192.0.2.1, 192.0.2.2', '192.0.2.2'],
    ['two proxies: the last but one', 2, '192.0.2.1, 192.0.2.2, 192.0.2.3', '192.0.2.2'],
    ['fewer than there should be: the peer, for anyone may have written them', 2, '192.0.2.1', peer],
    ['no address: the peer', 1, 'unknown', peer],
    ['nothing: the peer', 1, '', peer],
    ['a port is left out', 1, '192.0.2.1:4711', '192.0.2.1'],
    ['brackets too', 1, '[2001:db8::1]:4711', '2001:db8::1'],
    ['IPv4 within IPv6 is IPv4', 1, '::ffff:192.0.2.1', '192.0.2.1'],
  ])('%s', (_, trustProxy, list, expected) => {
    expect(addressOf(forwardedFor(list), peer, trustProxy)).toBe(expected);
  });

  test('a peer that is not known is no address', () => {
    expect(addressOf(new Headers(), '', 0)).toBe('');
    expect(addressOf(new Headers(), '::ffff:192.0.2.1', 0)).toBe('192.0.2.1');
  });
});

test.each([
  ['https', 0, undefined],
  ['https', 1, 'https'],
  ['https', 2, 'https'],
  ['https, http', 1, 'http'],
  ['https, http', 2, 'https'],
])('X-Forwarded-Proto "%s" behind %i proxies is %s', (list, trustProxy, expected) => {
  expect(protocolOf(new Headers({ 'x-forwarded-proto': list }), trustProxy)).toBe(expected);
});
