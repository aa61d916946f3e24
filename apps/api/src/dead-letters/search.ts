import type { DeadLetterFilters } from '@tidings/contracts';
import type { DeadLetterSearch, Store } from '@tidings/db';

/** The filters as the store takes them; undefined when nothing can match, for there is no such recipient. */
export async function searchOf(
  store: Store,
  projectId: string,
  { endedFrom, endedTo, recipientId, ...rest }: DeadLetterFilters,
): Promise<DeadLetterSearch | undefined> {
  const found = recipientId === undefined ? undefined : await store.findRecipient(projectId, recipientId);
  if (recipientId !== undefined && found === undefined) return undefined;
  return {
    ...rest,
    ...(found !== undefined && { recipientId: found.recipient.id }),
    ...(endedFrom !== undefined && { endedFrom: Date.parse(endedFrom) }),
    ...(endedTo !== undefined && { endedTo: Date.parse(endedTo) }),
  };
}
