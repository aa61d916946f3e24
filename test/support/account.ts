import type { Role } from '@tidings/contracts';
import type { TestApi } from './api.ts';

/** An account that is logged in and works in one project. */
export interface ProjectAccount {
  id: string;
  call: TestApi['call'];
  /** For the typed client. */
  fetch: typeof globalThis.fetch;
}

/** Somebody with this role who works in a project. */
export async function accountOf(
  tested: Pick<TestApi, 'addAccount' | 'api' | 'call'>,
  role: Role,
  projectKey = 'default',
): Promise<ProjectAccount> {
  const { id, headers } = await tested.addAccount(role);
  const own = { ...headers, 'tidings-project': projectKey };
  return {
    id,
    call: (method, path, body, more) => tested.call(method, path, body, { ...own, ...more }),
    fetch: (input, init) =>
      tested.api.fetch(new Request(input, { ...init, headers: { ...(init?.headers as object), ...own } })),
  };
}
