import { type IdKind, idPrefixes } from '@tidings/contracts';
import { v7 } from 'uuid';

/**
 * A new id: the kind's prefix and a UUID version 7 (RFC 9562 §5.7) in 32 hexadecimal digits, so that ids of
 * one process sort by the time they were made.
 */
export function newId(kind: IdKind): string {
  return `${idPrefixes[kind]}_${v7().replaceAll('-', '')}`;
}
