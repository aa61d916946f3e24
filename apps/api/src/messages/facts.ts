import type { FeedbackType, MessageFacts } from '@tidings/contracts';
import type { FeedbackRow } from '@tidings/db';
import { isoOrNull } from '../iso.ts';

/** When each thing was first told to have happened; null for what was not. */
export function factsOf(feedback: readonly FeedbackRow[]): MessageFacts {
  const firstAt = (type: FeedbackType) => {
    const all = feedback.flatMap((row) => (row.type === type ? [row.at] : []));
    return isoOrNull(all.length === 0 ? null : Math.min(...all));
  };
  return {
    deliveredAt: firstAt('delivered'),
    openedAt: firstAt('opened'),
    clickedAt: firstAt('clicked'),
    complainedAt: firstAt('complained'),
    unsubscribedAt: firstAt('unsubscribed'),
  };
}
