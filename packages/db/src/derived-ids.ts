import { createHash } from 'node:crypto';
import { type IdKind, idPrefixes } from '@tidings/contracts';

/** Ids that keep their order within one millisecond. */
const inOrder = 4096;

/**
 * The id of a row that a commit makes by itself. No step of a commit makes anything up, so this one follows from what
 * the row is of: a UUID version 7 (RFC 9562 §5.7) whose time is the commit's, whose first random bits count (§6.2,
 * method 1), so that such ids sort as `newId` has them, and whose rest is SHA-256 of the facts.
 *
 * @param at milliseconds since the epoch, by the database's clock
 * @param index its place among those that the commit makes of this kind
 * @param facts what tells it from all others of its kind, this instant and this place
 */
export function derivedId(kind: IdKind, at: number, index: number, ...facts: string[]): string {
  const time = Math.floor(at).toString(16).padStart(12, '0');
  const count = (index % inOrder).toString(16).padStart(3, '0');
  const hash = createHash('sha256').update(JSON.stringify(facts)).digest('hex');
  // The variant: the two highest bits of this digit are 10 (§4.1).
  const variant = (8 + (Number.parseInt(hash.slice(0, 1), 16) % 4)).toString(16);
  return `${idPrefixes[kind]}_${time}7${count}${variant}${hash.slice(1, 16)}`;
}
