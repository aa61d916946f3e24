import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quietUntil } from './quiet-until.ts';

const hourMs = 3_600_000;
const night = { from: '22:00', to: '07:00' };
const end = (at: string, quietHours: { from: string; to: string }, timezone: string) => {
  const until = quietUntil({ now: Date.parse(at), quietHours, timezone });
  return until && new Date(until).toISOString().replace('.000Z', 'Z');
};

describe('on an ordinary day', () => {
  test.each([
    ['before them', '2026-06-01T19:59:59Z', undefined],
    ['at their beginning', '2026-06-01T20:00:00Z', '2026-06-02T05:00:00Z'],
    ['before midnight', '2026-06-01T21:30:00Z', '2026-06-02T05:00:00Z'],
    ['after midnight', '2026-06-02T00:30:00Z', '2026-06-02T05:00:00Z'],
    ['just before their end', '2026-06-02T04:59:59.999Z', '2026-06-02T05:00:00Z'],
    ['at their end', '2026-06-02T05:00:00Z', undefined],
  ])('%s, by the clock of the zone', (_, at, expected) => {
    expect(end(at, night, 'Europe/Paris')).toBe(expected);
  });

  test('within one day they end on it, and reach to midnight if they say so', () => {
    expect(end('2026-06-01T12:30:00Z', { from: '12:00', to: '14:00' }, 'UTC')).toBe('2026-06-01T14:00:00Z');
    expect(end('2026-06-01T14:00:00Z', { from: '12:00', to: '14:00' }, 'UTC')).toBeUndefined();
    expect(end('2026-06-01T22:30:00Z', { from: '22:00', to: '00:00' }, 'UTC')).toBe('2026-06-02T00:00:00Z');
    expect(end('2026-06-01T22:30:00Z', { from: '00:00', to: '23:59' }, 'UTC')).toBe('2026-06-01T23:59:00Z');
  });
});

describe('on the day that the clock is changed', () => {
  test.each([
    // 02:00 to 03:00 was left out: the night is an hour shorter.
    ['Paris, spring', 'Europe/Paris', '2026-03-28T21:30:00Z', night, '2026-03-29T05:00:00Z'],
    [
      'Paris, spring, an end that is left out',
      'Europe/Paris',
      '2026-03-29T00:30:00Z',
      { from: '22:00', to: '02:30' },
      '2026-03-29T01:00:00Z',
    ],
    ['Paris, autumn', 'Europe/Paris', '2026-10-24T20:30:00Z', night, '2026-10-25T06:00:00Z'],
    // 02:30 comes twice: the first one ends them, and by the clock it is quiet again until the second.
    [
      'Paris, autumn, an end that comes twice',
      'Europe/Paris',
      '2026-10-25T00:15:00Z',
      { from: '22:00', to: '02:30' },
      '2026-10-25T00:30:00Z',
    ],
    [
      'Paris, autumn, between them',
      'Europe/Paris',
      '2026-10-25T00:45:00Z',
      { from: '22:00', to: '02:30' },
      undefined,
    ],
    [
      'Paris, autumn, before the second',
      'Europe/Paris',
      '2026-10-25T01:15:00Z',
      { from: '22:00', to: '02:30' },
      '2026-10-25T01:30:00Z',
    ],
    [
      'New York, spring, an end that is left out',
      'America/New_York',
      '2026-03-08T06:30:00Z',
      { from: '22:00', to: '02:15' },
      '2026-03-08T07:00:00Z',
    ],
    ['New York, autumn', 'America/New_York', '2026-11-01T03:00:00Z', night, '2026-11-01T12:00:00Z'],
    // Its clock is changed by half an hour.
    [
      'Lord Howe, spring, an end that is left out',
      'Australia/Lord_Howe',
      '2026-10-03T15:00:00Z',
      { from: '22:00', to: '02:10' },
      '2026-10-03T15:30:00Z',
    ],
    ['Lord Howe, spring', 'Australia/Lord_Howe', '2026-10-03T15:00:00Z', night, '2026-10-03T20:00:00Z'],
    ['Lord Howe, autumn', 'Australia/Lord_Howe', '2026-04-04T14:00:00Z', night, '2026-04-04T20:30:00Z'],
    // Midnight itself was left out.
    [
      'São Paulo, spring',
      'America/Sao_Paulo',
      '2017-10-15T02:30:00Z',
      { from: '22:00', to: '00:00' },
      '2017-10-15T03:00:00Z',
    ],
    [
      'São Paulo, spring, where the clock jumps to the very end',
      'America/Sao_Paulo',
      '2017-10-15T02:59:59.999Z',
      { from: '01:01', to: '01:00' },
      '2017-10-15T03:00:00Z',
    ],
  ])('%s', (_, timezone, at, quietHours, expected) => {
    expect(end(at, quietHours, timezone)).toBe(expected);
  });
});

test('the end is the next time that the clock shows it, or jumps over it: never past, never more than 25 hours away', () => {
  const zones = [
    'Europe/Paris',
    'America/New_York',
    'Australia/Lord_Howe',
    'America/Sao_Paulo',
    'Asia/Kathmandu',
  ];
  const formats = new Map(
    zones.map((timeZone) => [
      timeZone,
      new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
    ]),
  );
  /** What the wall clock shows, as another library has it. */
  const clock = (zone: string, at: number) => formats.get(zone)?.format(at) ?? '';
  const offset = (zone: string, at: number) => {
    const [hours = 0, minutes = 0] = clock(zone, at).split(':').map(Number);
    return (hours * 60 + minutes - Math.floor(at / 60_000) + 1e9 * 1440) % 1440;
  };
  const changes = [
    '2026-03-29T01:00:00Z',
    '2026-10-25T01:00:00Z',
    '2026-03-08T07:00:00Z',
    '2026-11-01T06:00:00Z',
    '2026-10-03T15:30:00Z',
    '2026-04-04T15:00:00Z',
    '2017-10-15T03:00:00Z',
    '2018-02-18T02:00:00Z',
  ].map((text) => Date.parse(text));
  const anyTime = fc.integer({ min: Date.parse('2015-01-01'), max: Date.parse('2035-01-01') });
  const nearAChange = fc
    .tuple(fc.constantFrom(...changes), fc.integer({ min: -26 * hourMs, max: 26 * hourMs }))
    .map(([at, by]) => at + by);
  const timeOfDay = fc
    .tuple(fc.nat({ max: 23 }), fc.nat({ max: 59 }))
    .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
  let quiet = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.oneof(anyTime, nearAChange),
      timeOfDay,
      timeOfDay,
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (timezone, now, from, to, part) => {
        fc.pre(from !== to);
        const quietHours = { from, to };
        const until = quietUntil({ now, quietHours, timezone });
        const shown = clock(timezone, now);
        const isQuiet = from < to ? from <= shown && shown < to : from <= shown || shown < to;
        expect(until !== undefined).toBe(isQuiet);
        if (until === undefined) return;
        quiet += 1;
        expect(until).toBeGreaterThan(now);
        expect(until - now).toBeLessThanOrEqual(25 * hourMs);
        const isJump = offset(timezone, until - 1) !== offset(timezone, until);
        // A jump may end at that very time.
        if (!isJump || clock(timezone, until) === to) expect(clock(timezone, until)).toBe(to);
        else expect(clock(timezone, until - 1) < to || to < clock(timezone, until)).toBe(true);
        // Asked again on the way it says the same, unless the clock was turned back to before they began.
        const between = Math.floor(now + (until - now) * part);
        const again = quietUntil({ now: between, quietHours, timezone });
        if (again === undefined) expect(offset(timezone, between)).not.toBe(offset(timezone, now));
        else expect(again).toBe(until);
      },
    ),
    { numRuns: 3000 },
  );
  expect(quiet).toBeGreaterThan(500);
});

test('a zone that is not known is an error of its own', () => {
  expect(() => quietUntil({ now: 0, quietHours: night, timezone: 'Mars/Olympus' })).toThrow(RangeError);
});
