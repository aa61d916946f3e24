import { preferenceOf, suppressedBy, type Words, wordsOf } from '@tidings/contracts';
import type { Decide, Question, Store } from '@tidings/db';
import { quietUntil } from './quiet-until.ts';

interface Rules {
  timezone: string;
  required: ReadonlySet<string>;
  defaults: Words;
}

const none: Rules = { timezone: 'UTC', required: new Set(), defaults: new Map() };
const noWords: Words = new Map();

/**
 * Who gets what, decided at the last moment: to an address on the list of suppressions nothing goes, what the recipient
 * opted out of is skipped, and in its quiet hours all but critical messages wait. Critical ones obey an opt-out too; only a required category does not.
 *
 * The rules of projects are read again once they are older than `rulesMs`; what recipients say comes with the claim
 * and holds at once. Many who ask at the same time read once.
 */
export function createDeciding(options: {
  store: Pick<Store, 'projectRules'>;
  rulesMs?: number;
}): () => Promise<Decide> {
  const { store, rulesMs = 5000 } = options;
  let known: { decide: Promise<Decide>; until: number } | undefined;

  async function read(): Promise<Decide> {
    const all = await store.projectRules();
    const rulesOf = new Map(
      all.map(({ projectId, timezone, required, defaults }): [string, Rules] => [
        projectId,
        { timezone, required: new Set(required), defaults: wordsOf(defaults) },
      ]),
    );
    return (question) => decideBy(rulesOf.get(question.projectId) ?? none, question);
  }

  return () => {
    if (known !== undefined && performance.now() < known.until) return known.decide;
    const decide = read();
    const mine = { decide, until: performance.now() + rulesMs };
    known = mine;
    // What could not be read is asked for again.
    decide.catch(() => {
      if (known === mine) known = undefined;
    });
    return decide;
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
