import { listProjects } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { toPage } from '../page.ts';
import { viewProject } from './view.ts';

/** `projects.list`. */
export const list = (store: Store) =>
  query(listProjects, async (input) => toPage(await store.listProjects(input), input, viewProject));
