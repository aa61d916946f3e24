import type { z } from 'zod';
import type { ErrorDetail } from './errors.ts';

/** A schema's complaints, each with its place. */
export function faultsOf(error: z.core.$ZodError): ErrorDetail[] {
  return error.issues.flatMap((issue) => detailsOf(issue, []));
}

function detailsOf(issue: z.core.$ZodIssue, parents: PropertyKey[]): ErrorDetail[] {
  const path = [...parents, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ pointer: pointerOf([...path, key]), detail: 'is not a known field' }));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    return closestBranch(issue.errors).flatMap((inner) => detailsOf(inner, path));
  }
  return [{ pointer: pointerOf(path), detail: issue.message }];
}

/** Of a union's branches the one that was most likely meant: no unknown fields, then the fewest complaints. */
function closestBranch(branches: z.core.$ZodIssue[][]): z.core.$ZodIssue[] {
  const distance = (issues: z.core.$ZodIssue[]) =>
    issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? 10 : 1), 0);
  return branches.reduce((best, branch) => (distance(branch) < distance(best) ? branch : best));
}

function pointerOf(path: PropertyKey[]): string {
  return path.map((part) => `/${escapeToken(String(part))}`).join('');
}

/** A key as a reference token of a JSON pointer (RFC 6901 §3), fit for an answer whatever it holds. */
export function escapeToken(key: string): string {
  return key.toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1');
}
