import { type Words, wordsOf } from '@tidings/contracts';
import type { Store } from '@tidings/db';

/** What a project says about sending to its recipients, ready to be looked up. */
export interface Rules {
  timezone: string;
  /** Categories that nobody can opt out of, and declared ones that anybody can. */
  required: ReadonlySet<string>;
  optional: ReadonlySet<string>;
  defaults: Words;
}

/** Answers a project's rules; what is not known has none. */
export type RulesOf = (projectId: string) => Rules;

const none: Rules = { timezone: 'UTC', required: new Set(), optional: new Set(), defaults: new Map() };

/**
 * The rules of all projects, read again once they are older than `rulesMs`. Many who ask at the same time read once.
 */
export function createRules(options: {
  store: Pick<Store, 'projectRules'>;
  rulesMs?: number;
}): () => Promise<RulesOf> {
  const { store, rulesMs = 5000 } = options;
  let known: { rulesOf: Promise<RulesOf>; until: number } | undefined;

  async function read(): Promise<RulesOf> {
    const all = await store.projectRules();
    const byProject = new Map(
      all.map(({ projectId, timezone, required, optional, defaults }): [string, Rules] => [
        projectId,
        {
          timezone,
          required: new Set(required),
          optional: new Set(optional),
          defaults: wordsOf(defaults),
        },
      ]),
    );
    return (projectId) => byProject.get(projectId) ?? none;
  }

  return () => {
    if (known !== undefined && performance.now() < known.until) return known.rulesOf;
    const rulesOf = read();
    const mine = { rulesOf, until: performance.now() + rulesMs };
    known = mine;
    // What could not be read is asked for again.
    rulesOf.catch(() => {
      if (known === mine) known = undefined;
    });
    return rulesOf;
  };
}
