import { type Reason, reasonsExplained, type Stop } from '@tidings/contracts';

/** A reason of the table as what stops a message, in its own words where there are none that say more. */
export function stopFor(reason: Reason, detail?: string): Stop {
  const { rule, text } = reasonsExplained[reason];
  return { rule, reason, detail: detail ?? `${text}.` };
}
