import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';

/** Queue consumers that every order is for; answers the ids of their subscriptions. */
export async function subscribe(store: Store, projectId: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId('subscription'));
  for (const id of ids) await subscribeOne(store, projectId, id);
  return ids;
}

function subscribeOne(store: Store, projectId: string, id: string) {
  return store.createSubscription(
    projectId,
    {
      id,
      name: id,
      kind: 'queue',
      types: ['order.*'],
      filter: null,
      ofHappenings: false,
      ordered: false,
      settings: { kind: 'queue', ordered: false, maxFailures: 8 },
      sealed: null,
    },
    {
      actor: { kind: 'system', id: 'bench', address: '', requestId: '' },
      change: { id: newId('audit'), projectId, action: 'bench', target: id },
    },
  );
}
