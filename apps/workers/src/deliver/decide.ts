import { preferenceOf, suppressedBy, type Words, wordsOf } from '@tidings/contracts';
import type { Decide, Question } from '@tidings/db';
import type { Routes } from '../routes/routes.ts';
import { quietUntil } from './quiet-until.ts';
import type { Rules, RulesOf } from './rules.ts';

const noWords: Words = new Map();
const stepMs = 100;

/**
 * Who gets what, decided at the last moment: to an address on the list of suppressions nothing goes, what the recipient
 * opted out of is skipped, and in its quiet hours all but critical messages wait. Critical ones obey an opt-out too;
 * only a required category does not. Whatever would go out waits while no provider of its route is well, or while its
 * provider's pace has no room for it.
 *
 * What recipients say comes with the claim and holds at once.
 */
export function createDeciding(options: {
  rules: () => Promise<RulesOf>;
  routes: Pick<Routes, 'refresh' | 'waitFor'>;
}): () => Promise<Decide> {
  const { rules, routes } = options;
  return async () => {
    await routes.refresh();
    const rulesOf = await rules();
    return (question) => {
      const wanted = decideBy(rulesOf(question.projectId), question);
      if (wanted.kind !== 'send') return wanted;
      const wait = routes.waitFor(question);
      if (wait === undefined) return wanted;
      // In steps, so that many who wait are put aside by one statement.
      const until = Math.ceil((question.now + wait.ms) / stepMs) * stepMs;
      return { kind: 'wait', until, reason: wait.reason };
    };
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
  return until === undefined ? { kind: 'send' } : { kind: 'wait', until, reason: 'quiet_hours' };
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
