import type { EventOrigin, JsonObject, SubscriptionKind } from '@tidings/contracts';
import { passesFilter } from './filter.ts';
import { matchesType } from './types.ts';

/** What of a subscription says which events it is for. */
export interface Matching {
  kind: SubscriptionKind;
  types: readonly string[];
  filter: string | null;
}

/** What of an event decides for whom it is. */
export interface Matched {
  type: string;
  /** Empty where it has none. */
  source: string;
  subject: string | null;
  origin: EventOrigin;
  data: JsonObject;
}

/**
 * Is the event for the subscription? `failed` when it would be by its type, but its filter cannot say: see `filter.ts`.
 *
 * Of what Tidings tells of itself, a rule that notifies gets nothing, since it would tell of its own messages without
 * end, and others what they name: `*` alone does not.
 */
export function matches({ kind, types, filter }: Matching, event: Matched): boolean | 'failed' {
  const isHappening = event.origin === 'tidings';
  if (isHappening && kind === 'notify') return false;
  const isNamed = types.some(
    (pattern) => matchesType(pattern, event.type) && !(isHappening && pattern === '*'),
  );
  return isNamed && (filter === null || passesFilter(filter, event));
}
