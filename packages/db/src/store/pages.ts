import { asc, desc, gt, lt, type SQL } from 'drizzle-orm';
import type { Tables } from '../schema/tables.ts';

/** What a page of a list is asked with. Ids of earlier pages are its cursors. */
export interface Page {
  limit: number;
  /** Goes on to older rows. */
  after?: string;
  /** Goes back to newer ones, the nearest first. */
  before?: string;
}

/** A column of ids that sort by the time they were made. */
type IdColumn = Tables[
  | 'accounts'
  | 'audit'
  | 'copies'
  | 'events'
  | 'invitations'
  | 'messages'
  | 'projects'
  | 'suppressions']['id'];

/** Where a page by id begins, how it is sorted, and how many rows to read: one more shows whether there are more. */
export function pageById(
  id: IdColumn,
  { limit, after, before }: Page,
): { from: SQL | undefined; order: SQL; limit: number } {
  if (before !== undefined) return { from: gt(id, before), order: asc(id), limit: limit + 1 };
  return { from: after === undefined ? undefined : lt(id, after), order: desc(id), limit: limit + 1 };
}
