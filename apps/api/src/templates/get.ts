import { getTemplate } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewTemplate } from './view.ts';
import type { Workshop } from './workshop.ts';

/** `templates.get`. */
export const get = ({ store, workshop }: { store: Store; workshop: Workshop }) =>
  query(getTemplate, async ({ key, version }, { principal }) =>
    viewTemplate(store, await workshop.find(principal.projectId, key, version)),
  );
