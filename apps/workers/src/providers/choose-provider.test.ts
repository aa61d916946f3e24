import { expect, test } from 'vitest';
import { chooseProvider } from './choose-provider.ts';

const good = {
  DATA_DIR: '/nowhere',
  SMTP_URL: 'smtp://localhost:2525',
  EMAIL_FROM: 'Acme <hello@acme.example>',
};

test('e-mail goes by SMTP when it is set, else to files; push goes to files', () => {
  const nameOf = (config: typeof good | Omit<typeof good, 'SMTP_URL'>, queue: 'email' | 'push') =>
    chooseProvider(config)(queue).name;
  const { SMTP_URL: _, ...withoutSmtp } = good;
  expect(nameOf(good, 'email')).toBe('smtp');
  expect(nameOf(withoutSmtp, 'email')).toBe('email-outbox');
  expect(nameOf(good, 'push')).toBe('push-outbox');
});

test('settings that cannot be read are told together, before anything starts, without the password', () => {
  const bad = { ...good, SMTP_URL: 'smtp://user:s3cret@host?retry=1', EMAIL_FROM: 'nobody' };
  expect(() => chooseProvider(bad)).toThrow(/SMTP_URL: .*retry[\s\S]*EMAIL_FROM: /);
  expect(() => chooseProvider(bad)).not.toThrow(/s3cret/);
});
