import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fuzzRuns } from '../../../../test/support/fuzz.ts';
import { toDataOctets } from './smtp-data.ts';

test.each([
  ['no dot', 'a\r\n', 'a\r\n.\r\n'],
  ['nothing', '', '\r\n.\r\n'],
  ['a dot at the start', '.\r\n.a\r\n', '..\r\n..a\r\n.\r\n'],
  ['a dot in a line', 'a.b\r\n', 'a.b\r\n.\r\n'],
  ['two dots', 'a\r\n..\r\n', 'a\r\n...\r\n.\r\n'],
  ['no line end at the end', 'a\r\n.', 'a\r\n..\r\n.\r\n'],
  ['half a line end at the end', 'a\n', 'a\n\r\n.\r\n'],
  ['a bare LF or CR before a dot', 'a\n.\rb\r.\n', 'a\n..\rb\r..\n\r\n.\r\n'],
])('%s', (_what, raw, onTheWire) => {
  expect(toDataOctets(Buffer.from(raw)).toString()).toBe(onTheWire);
});

test('a dot alone in a line is the last line, whatever a server takes for a line end', () => {
  const octets = fc.array(fc.constantFrom('.', '\r', '\n', '\r\n', '\r\n.', 'a', 'é'), { maxLength: 40 });
  fc.assert(
    fc.property(octets, (parts) => {
      const data = toDataOctets(Buffer.from(parts.join(''))).toString();
      expect(`\n${data}`.search(/[\r\n]\.[\r\n]/)).toBe(data.length - '.\r\n'.length);
      expect(data.endsWith('\r\n.\r\n') || data === '.\r\n').toBe(true);
    }),
    fuzzRuns(500),
  );
});
