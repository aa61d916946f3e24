import { accountTemplates } from './account.ts';
import type { DefaultTemplate } from './default-template.ts';
import { orderTemplates } from './orders.ts';

export { defaultParts } from './parts.ts';

/** Templates that a project has from its first start, in English, French and Spanish. */
export const defaultTemplates: readonly DefaultTemplate[] = [...accountTemplates, ...orderTemplates];
