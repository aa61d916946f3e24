import type { EventTypeView } from '@tidings/contracts';
import type { EventTypeRow } from '@tidings/db';
import { toIso } from '../iso.ts';

export function viewEventType({ type, description, schema, ...row }: EventTypeRow): EventTypeView {
  return { type, description, schema, createdAt: toIso(row.createdAt), updatedAt: toIso(row.updatedAt) };
}
