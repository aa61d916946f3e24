import { randomUUID } from 'node:crypto';

/** What a caller brings along to put addresses on the list of suppressions. */
export const suppressing = { newKey: 'k'.repeat(64), newId: () => `sup_${randomUUID()}` };
