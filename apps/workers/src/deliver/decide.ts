import { preferenceOf, suppressedBy, type Words, wordsOf } from '@tidings/contracts';
import type { Decide, Question } from '@tidings/db';
import { quietUntil } from './quiet-until.ts';
import type { Rules, RulesOf } from './rules.ts';

const noWords: Words = new Map();

/**
 * Who gets what, decided at the last moment: to an address on the list of suppressions nothing goes, what the recipient
 * opted out of is skipped, and in its quiet hours all but critical messages wait. Critical ones obey an opt-out too;
 * only a required category does not.
 *
 * What recipients say comes with the claim and holds at once.
 */
export function createDeciding({ rules }: { rules: () => Promise<RulesOf> }): () => Promise<Decide> {
  return async () => {
    const rulesOf = await rules();
    return (question) => decideBy(rulesOf(question.projectId), question);
  };
}

function decideBy(rules: Rules, question: Question): ReturnType<Decide> {
  const { channel, category, isCritical, wishes, suppressed, now } = question;
  const isRequired = category !== null && rules.required.has(category);
  const reason = suppressedBy(suppressed, isRequired);
  if (reason !== undefined) return { kind: 'suppress', reason };
  const { enabled } = preferenceOf({
    channel,
    category,
    isRequired,
    recipient: wishes === undefined || wishes.words.length === 0 ? noWords : wordsOf(wishes.words),
    project: rules.defaults,
  });
  if (!enabled) return { kind: 'skip' };
  if (isCritical || !wishes?.quietHours) return { kind: 'send' };
  const until = quietUntilIn([wishes.timezone, rules.timezone, 'UTC'], {
    now,
    quietHours: wishes.quietHours,
  });
  return until === undefined ? { kind: 'send' } : { kind: 'wait', until };
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
