import type { CategoryView } from '@tidings/contracts';
import type { CategoryRow } from '@tidings/db';
import { toIso } from '../iso.ts';

export function viewCategory({ key, name, description, required, ...row }: CategoryRow): CategoryView {
  return {
    key,
    name,
    description,
    required,
    createdAt: toIso(row.createdAt),
    updatedAt: toIso(row.updatedAt),
  };
}
