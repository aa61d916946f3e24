import { TidingsError } from '@tidings/contracts';
import type { ProjectRow, Store } from '@tidings/db';
import type { Principal } from '../principal.ts';

/**
 * The project of this key, if the caller may know of it: an account of every one, an API key of its own.
 *
 * @throws TidingsError `not_found`
 */
export async function findForCaller(store: Store, principal: Principal, key: string): Promise<ProjectRow> {
  const project = await store.findProject(key);
  const isSeen = principal.kind === 'account' || project?.id === principal.projectId;
  if (project === undefined || !isSeen) throw new TidingsError('not_found');
  return project;
}
