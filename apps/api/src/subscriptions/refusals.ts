import { type ErrorDetail, TidingsError } from '@tidings/contracts';

export function nameTaken(): TidingsError {
  return new TidingsError('subscription_name_taken', {
    errors: [{ pointer: '/name', detail: 'is the name of another consumer' }],
  });
}

/** @throws TidingsError `invalid_subscription` when there is anything to say. */
export function refuseIfAny(errors: ErrorDetail[]): void {
  if (errors.length > 0) throw new TidingsError('invalid_subscription', { errors });
}
