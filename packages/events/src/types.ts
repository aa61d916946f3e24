import { happenings } from '@tidings/contracts';

/** Is the type one of those that the pattern names? `*` names all, `order.*` what begins with `order.`. */
export function matchesType(pattern: string, type: string): boolean {
  if (pattern === '*') return true;
  return pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type;
}

/** Could one of the patterns match what Tidings tells of itself? `*` does not: it is for what applications publish. */
export function namesHappenings(patterns: readonly string[]): boolean {
  return patterns.some(
    (pattern) => pattern !== '*' && happenings.some((happening) => matchesType(pattern, happening)),
  );
}
