import { type Role, scopesOfRole } from '@tidings/contracts';
import { createMetrics, newId, silentLog } from '@tidings/runtime';
import { createApp, type Fetch } from '../../apps/api/src/app.ts';
import { createRouter } from '../../apps/api/src/router.ts';
import { callApi, type TestApi } from './api.ts';

/** An account of a test, at the same record as the API it was made for. */
export interface TestAccount {
  id: string;
  call: TestApi['call'];
  /** For the typed client. */
  fetch: typeof globalThis.fetch;
}

/** Somebody with this role who works in a project. Sends are not for accounts of tests. */
export async function accountOf(
  { store }: Pick<TestApi, 'store'>,
  role: Role,
  projectKey = 'default',
): Promise<TestAccount> {
  const { id: projectId = '' } = (await store.findProject(projectKey)) ?? {};
  const id = newId('account');
  const account = { kind: 'account', id, sessionId: newId('session'), role, projectId } as const;
  const { fetch } = createApp({
    router: createRouter({
      store,
      accept: () => Promise.reject(new Error('an account of a test does not send')),
      log: silentLog(),
    }),
    authenticate: async () => ({ ...account, scopes: scopesOfRole[role] }),
    limitRate: async () => ({}),
    readiness: async () => ({ status: 'ok', checks: {} }),
    log: silentLog(),
    metrics: createMetrics(),
    isOutage: store.isOutage,
  });
  return {
    id,
    call: (method, path, body, headers) => callApi(fetch, '', { method, path, body, headers }),
    fetch: asGlobalFetch(fetch),
  };
}

function asGlobalFetch(fetch: Fetch): typeof globalThis.fetch {
  return (input, init) => fetch(new Request(input, init));
}
