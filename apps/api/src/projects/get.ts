import { getProject } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { findForCaller } from './find-for-caller.ts';
import { viewProject } from './view.ts';

/** `projects.get`. */
export const get = (store: Store) =>
  query(getProject, async ({ key }, { principal }) =>
    viewProject(await findForCaller(store, principal, key)),
  );
