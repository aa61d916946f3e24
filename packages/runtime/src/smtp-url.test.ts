import { expect, test } from 'vitest';
import { parseSmtpUrl } from './smtp-url.ts';

test.each([
  ['smtp://mail.example', { host: 'mail.example', port: 587, secure: false, requireTls: false }],
  ['smtps://mail.example/', { host: 'mail.example', port: 465, secure: true }],
  ['smtp://[::1]:2525', { host: '::1', port: 2525 }],
  ['smtp://a%40b:p%2Fw%3A@mail.example', { credentials: { user: 'a@b', pass: 'p/w:' } }],
  ['smtp://mail.example?requireTls=true', { requireTls: true, tls: { rejectUnauthorized: true } }],
  ['smtps://mail.example?rejectUnauthorized=false', { tls: { rejectUnauthorized: false } }],
])('%s is read', (url, expected) => {
  expect(parseSmtpUrl(url)).toMatchObject(expected);
});

test.each([
  'mail.example',
  'http://mail.example',
  'smtp://',
  'smtp://mail.example/path',
  'smtp://mail.example?pool=true',
  'smtp://mail.example?requireTls=yes',
  'smtp://user@mail.example',
  'smtp://user:secret%zz@mail.example',
])('%s is refused, without showing a password', (url) => {
  expect(() => parseSmtpUrl(url)).toThrow(/^SMTP URL(?!.*secret)/);
});
