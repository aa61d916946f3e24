import type { SuppressionReason } from './statuses.ts';

/** Why a message is not sent to its address. */
export type StoppingReason = Exclude<SuppressionReason, 'erased'>;

/** Of several reasons the first of these is told. */
export const stoppingReasons = [
  'hard_bounce',
  'complaint',
  'manual',
  'unsubscribed',
] as const satisfies readonly StoppingReason[];

/**
 * Is a message stopped by what the list of suppressions holds of its address, for all categories and for its own? What
 * is required goes out to whoever unsubscribed, as it does to a recipient that opted out; but to nobody whose address
 * does not exist, who called a mail spam, or whom somebody who operates the project put on the list.
 */
export function suppressedBy(
  reasons: readonly SuppressionReason[],
  isRequired: boolean,
): StoppingReason | undefined {
  return stoppingReasons.find(
    (reason) => reasons.includes(reason) && !(isRequired && reason === 'unsubscribed'),
  );
}
