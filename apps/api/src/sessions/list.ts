import { listSessions } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { requireAccount } from '../principal.ts';
import { viewSession } from './view.ts';

/** `sessions.list`. */
export const list = (store: Store) =>
  query(listSessions, async (_, { principal }) => {
    const { id, sessionId } = requireAccount(principal);
    const found = await store.listSessions(id);
    return { items: found.map((session) => viewSession(session, sessionId)) };
  });
