import { type ASTNode, Environment, ParseError } from '@marcbachmann/cel-js';
import type { ErrorDetail } from '@tidings/contracts';
import { faultOf } from './filter-check.ts';
import { evaluate, FilterFault, type Run, stepsAtMost } from './filter-evaluate.ts';
import type { Matched } from './matches.ts';

/**
 * Filters are written in CEL (https://github.com/google/cel-spec), over `type`, `subject`, `source` and `data`.
 *
 * The library reads them, what they say is worked out here (`filter-evaluate.ts`): no library of CEL for JavaScript
 * bounds what an evaluation costs, and whoever writes a filter, or publishes a megabyte for it to look through, must
 * not hold up the events of everybody else. So there are bounds at both ends:
 *
 * - of the text: 2,000 characters by the contract, and the limits below;
 * - of an evaluation: `stepsAtMost`. Each part that is evaluated, each element of a list that is looked at, each member
 *   that is compared, and each 256 characters of text are a step, and so macros within macros need no bound of their
 *   own. What would take more has `failed`.
 *
 * There is no `matches()`, no time, no bytes, and nothing of an object but its own members. Numbers are those of JSON:
 * int and double are one. A member that is not there, or is null where a value is needed, makes a filter not true, as
 * CEL's errors do: `a || b` is true when either is. Any other error, such as a text that is compared with a number,
 * makes it `failed`, for that is to be seen.
 */
const environment = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 500, maxDepth: 32, maxListElements: 200, maxMapEntries: 50, maxCallArguments: 4 },
});

const keptAtMost = 1000;
/** Read filters, the longest unused first; null for one that cannot be used. */
const kept = new Map<string, ASTNode | null>();

/** What is wrong with the text of a filter; nothing when it can be used. */
export function checkFilter(text: string): ErrorDetail[] {
  const detail = faultIn(text);
  return detail === undefined ? [] : [{ pointer: '/filter', detail }];
}

/** Is the filter true for the event? `failed` when it cannot be said. */
export function passesFilter(text: string, event: Matched): boolean | 'failed' {
  return runFilter(text, event).answer;
}

/** The same with how many steps it took. */
export function runFilter(text: string, event: Matched): { answer: boolean | 'failed'; steps: number } {
  const root = readOnce(text);
  if (root === null) return { answer: 'failed', steps: 0 };
  const run: Run = { stepsLeft: stepsAtMost };
  const answer = answerOf(root, event, run);
  return { answer, steps: stepsAtMost - run.stepsLeft };
}

function answerOf(root: ASTNode, { type, subject, source, data }: Matched, run: Run): boolean | 'failed' {
  const variables = { type, subject, source: source === '' ? null : source, data };
  try {
    const answer = evaluate(run, root, { variables });
    if (answer === null) return false;
    return typeof answer === 'boolean' ? answer : 'failed';
  } catch (error) {
    if (error instanceof FilterFault) return error.kind === 'missing' ? false : 'failed';
    throw error;
  }
}

function readOnce(text: string): ASTNode | null {
  const known = kept.get(text);
  const root = known === undefined ? readIfUsable(text) : known;
  kept.delete(text);
  kept.set(text, root);
  const [oldest] = kept.keys();
  if (kept.size > keptAtMost && oldest !== undefined) kept.delete(oldest);
  return root;
}

function readIfUsable(text: string): ASTNode | null {
  return faultIn(text) === undefined ? environment.parse(text).ast : null;
}

function faultIn(text: string): string | undefined {
  try {
    return faultOf(environment.parse(text).ast);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const at = error.range === undefined ? '' : ` (character ${error.range.start + 1})`;
    return `cannot be read: ${error.summary}${at}`;
  }
}
