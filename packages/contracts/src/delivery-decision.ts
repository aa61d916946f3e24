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

/** Whether a message goes out now; `until` in milliseconds since the epoch. */
export type DeliveryDecision = { kind: 'suppress'; reason: StoppingReason } | WishesDecision;

/** What wishes say of it, and which word on preferences decided. */
export type WishesDecision = ({ kind: 'send' } | { kind: 'skip' } | { kind: 'wait'; until: number }) & {
  source: PreferenceSource;
};

/** What is to be known of a message to decide about it; `now` in milliseconds since the epoch. */
export interface DeliveryQuestion {
  channel: Channel;
  category: string | null;
  isCritical: boolean;
  /** Undefined for a bare address. */
  wishes: DeliveryWishes | undefined;
  now: number;
}

const noWords: Words = new Map();

/**
 * Who gets what: to an address on the list of suppressions nothing goes, whatever its owner wishes.
 *
 * @param suppressed why the address is on the list, for everything or for the message's category
 */
export function decideDelivery(
  rules: DeliveryRules,
  question: DeliveryQuestion & { suppressed: readonly SuppressionReason[] },
): DeliveryDecision {
  const reason = suppressedBy(question.suppressed, isRequired(rules, question));
  return reason === undefined ? decideByWishes(rules, question) : { kind: 'suppress', reason };
}

/**
 * What the recipient opted out of is skipped, and in its quiet hours all but critical messages wait. Critical ones
 * obey an opt-out too; only a required category does not.
 */
export function decideByWishes(rules: DeliveryRules, question: DeliveryQuestion): WishesDecision {
  const { channel, category, isCritical, wishes, now } = question;
  const { enabled, source } = preferenceOf({
    channel,
    category,
    isRequired: isRequired(rules, question),
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

function isRequired({ required }: DeliveryRules, { category }: Pick<DeliveryQuestion, 'category'>): boolean {
  return category !== null && required.has(category);
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
