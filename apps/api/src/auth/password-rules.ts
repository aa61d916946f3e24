import { TidingsError } from '@tidings/contracts';

/**
 * Refuses a password that is the e-mail it belongs to.
 *
 * @throws TidingsError `weak_password` that points to the field.
 */
export function requireGoodPassword(password: string, email: string, pointer: string): void {
  if (password.trim().toLowerCase() !== email.toLowerCase()) return;
  throw new TidingsError('weak_password', {
    errors: [{ pointer, detail: 'must not be the e-mail address' }],
  });
}
