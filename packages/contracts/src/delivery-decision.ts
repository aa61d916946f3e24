import { type PreferenceSource, preferenceOf, type Word, type Words, wordsOf } from './preferences.ts';
import type { QuietHours } from './quiet-hours.ts';
import { quietUntil } from './quiet-until.ts';
import type { Channel, SuppressionReason } from './statuses.ts';
import { type StoppingReason, suppressedBy } from './suppressed.ts';

/** What a project says about sending to its recipients. */
export interface DeliveryRules {
  timezone: string;
  /** Categories that nobody can opt out of. */
  required: ReadonlySet<string>;
  defaults: Words;
}

/** What a recipient says. */
export interface DeliveryWishes {
  words: readonly Word[];
  quietHours: QuietHours | null;
  timezone: string | null;
}

/** Whether a message goes out now, and which word on preferences decided; `until` in milliseconds since the epoch. */
export type DeliveryDecision =
  | { kind: 'suppress'; reason: StoppingReason }
  | (({ kind: 'send' } | { kind: 'skip' } | { kind: 'wait'; until: number }) & { source: PreferenceSource });

const noWords: Words = new Map();

/**
 * Who gets what: to an address on the list of suppressions nothing goes, what the recipient opted out of is skipped,
 * and in its quiet hours all but critical messages wait. Critical ones obey an opt-out too; only a required category
 * does not. `wishes` is undefined for a bare address, `now` is in milliseconds since the epoch.
 */
export function decideDelivery(
  rules: DeliveryRules,
  question: {
    channel: Channel;
    category: string | null;
    isCritical: boolean;
    wishes: DeliveryWishes | undefined;
    /** Why its address is on the list, for everything or for this category. */
    suppressed?: readonly SuppressionReason[];
    now: number;
  },
): DeliveryDecision {
  const { channel, category, isCritical, wishes, suppressed = [], now } = question;
  const isRequired = category !== null && rules.required.has(category);
  const reason = suppressedBy(suppressed, isRequired);
  if (reason !== undefined) return { kind: 'suppress', reason };
  const { enabled, source } = preferenceOf({
    channel,
    category,
    isRequired,
    recipient: wishes === undefined || wishes.words.length === 0 ? noWords : wordsOf(wishes.words),
    project: rules.defaults,
  });
  if (!enabled) return { kind: 'skip', source };
  if (isCritical || !wishes?.quietHours) return { kind: 'send', source };
  const until = quietUntilIn([wishes.timezone, rules.timezone, 'UTC'], {
    now,
    quietHours: wishes.quietHours,
  });
  return until === undefined ? { kind: 'send', source } : { kind: 'wait', until, source };
}

/** In the first zone that there is: what one version of the zones' data knew, another may not. */
function quietUntilIn(
  zones: Array<string | null>,
  rest: Omit<Parameters<typeof quietUntil>[0], 'timezone'>,
): number | undefined {
  for (const timezone of zones) {
    if (timezone === null) continue;
    try {
      return quietUntil({ ...rest, timezone });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return undefined;
}

/** A row of the suppression list; with the category empty it holds for everything. */
export interface SuppressionEntry {
  category: string;
  reason: SuppressionReason;
}

/**
 * Does it stop a message of this category? What is required goes out to whoever took itself off a list, not to an
 * address that does not exist, calls it spam, or that somebody put there. The trace of an erasure stops nothing.
 */
export function isStoppedBy(
  { category, reason }: SuppressionEntry,
  message: { category: string | null; isRequired: boolean },
): boolean {
  if (reason === 'erased') return false;
  if (category !== '' && category !== message.category) return false;
  return !(message.isRequired && reason === 'unsubscribed');
}
