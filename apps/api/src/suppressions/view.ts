import type { SuppressionView } from '@tidings/contracts';
import type { SuppressionRow } from '@tidings/db';
import { toIso } from '../iso.ts';

export function viewSuppression(row: SuppressionRow): SuppressionView {
  const { id, channel, address, category, reason, note, messageId, createdAt } = row;
  if (reason === 'erased') throw new Error('the trace of an erasure is no entry of the list');
  return {
    id,
    channel,
    address,
    category: category === '' ? null : category,
    reason,
    note,
    messageId,
    createdAt: toIso(createdAt),
  };
}
