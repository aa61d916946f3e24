import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { allOperations } from '../support/api.ts';
import { arbitraryOf } from '../support/arbitrary-of.ts';

describe.each(allOperations.map((operation) => [operation.name, operation] as const))(
  '%s',
  (_, operation) => {
    test('every input made for it is accepted, also after a journey as JSON', () => {
      fc.assert(
        fc.property(arbitraryOf(operation.input), (input) => {
          operation.input.parse(input);
          expect(operation.input.safeParse(JSON.parse(JSON.stringify(input))).success).toBe(true);
        }),
      );
    });

    test('every input comes by with and without each of its optional fields', () => {
      const seen = new Set(
        fc.sample(arbitraryOf(operation.input), 300).flatMap((input) => Object.keys(input ?? {})),
      );
      const { properties = {} } = z.toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' });
      expect([...seen].sort()).toEqual(Object.keys(properties).sort());
    });
  },
);

test('samples are used where they fit, by the name of their field', () => {
  const schema = z.strictObject({ id: z.string().regex(/^a[0-9]$/), other: z.int().optional() });
  const made = fc.sample(arbitraryOf(schema, { id: ['a7', 'b1'], other: ['a7'] }), 200) as Array<{
    id: string;
  }>;
  expect(made.filter(({ id }) => id === 'a7').length).toBeGreaterThan(50);
  expect(made.map(({ id }) => id)).not.toContain('b1');
});

test('a kind of schema that it does not know is an error, not a gap', () => {
  expect(() => arbitraryOf(z.strictObject({ at: z.date() }))).toThrow('no arbitrary for date');
});
