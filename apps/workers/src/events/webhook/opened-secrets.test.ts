import { createSeal, newSigningSecret, SealError, sealSigningSecrets } from '@tidings/runtime';
import { expect, test } from 'vitest';
import { createOpening } from './opened-secrets.ts';

test('secrets are opened once, for their subscription only, and those used longest ago are forgotten', () => {
  const real = createSeal({ secrets: ['x'.repeat(32)] });
  const opened: string[] = [];
  const open = createOpening(
    {
      ...real,
      open: (sealed, context) => {
        opened.push(context);
        return real.open(sealed, context);
      },
    },
    2,
  );
  const sealed = (id: string) => sealSigningSecrets(real, id, { current: newSigningSecret() });
  const [one, two, three] = ['sub_1', 'sub_2', 'sub_3'].map((id) => [id, sealed(id)] as const) as [
    readonly [string, string],
    readonly [string, string],
    readonly [string, string],
  ];
  expect(open(...one)).toEqual(open(...one));
  open(...two);
  open(...one);
  open(...three);
  open(...one);
  expect(opened).toEqual(['sub_1', 'sub_2', 'sub_3']);
  open(...two);
  open('sub_1', sealed('sub_1'));
  expect(opened).toEqual(['sub_1', 'sub_2', 'sub_3', 'sub_2', 'sub_1']);
  expect(() => open('sub_1', two[1])).toThrow(SealError);
});
