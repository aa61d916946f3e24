import { expect, test } from 'vitest';
import { pushContent } from './content.ts';

const takes = (extra: object) => pushContent.safeParse({ title: 't', body: 'b', ...extra }).success;

test.each([
  'https://acme.example/orders/1',
  'http://acme.example',
  'acme://orders/{{ order }}',
  'acme-app.beta:orders/{{ order }}',
  '{{ link }}',
  '{% if link %}{{ link }}{% endif %}',
  'https://{{ host }}/',
  'mailto:help@acme.example',
])('%s may be opened', (url) => {
  expect(takes({ url })).toBe(true);
});

test.each([
  '',
  'orders/1',
  'javascript:alert(1)',
  ' JavaScript:{{ code }}',
  'data:text/html,{{ html }}',
  'data:,x',
  'file:///{{ path }}',
  'https://acme.example/ 1',
  `https://acme.example/${'x'.repeat(2000)}`,
])('%j may not, whatever the data', (url) => {
  expect(takes({ url })).toBe(false);
});

test('data is up to twenty entries of 2,048 octets, under names that nobody else uses', () => {
  const entries = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, '']));
  expect(takes({ data: {} })).toBe(true);
  expect(takes({ data: entries(20) })).toBe(true);
  expect(takes({ data: entries(21) })).toBe(false);
  expect(takes({ data: { key: 'é'.repeat(1022) } })).toBe(true);
  expect(takes({ data: { key: 'é'.repeat(1023) } })).toBe(false);
  for (const key of ['order.id', 'a-b_c', 'fromage']) expect(takes({ data: { [key]: '' } })).toBe(true);
  const taken = ['from', 'message_type', 'google.x', 'gcm', 'tidingsMessageId', '', 'a b', 'a/b'];
  for (const key of taken) expect([key, takes({ data: { [key]: '' } })]).toEqual([key, false]);
  expect(takes({ data: { key: 1 } })).toBe(false);
});
