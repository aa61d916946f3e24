import { EventEmitter } from 'node:events';
import type { PgPoolClient, PgQueryResult } from 'bullmq';

/**
 * One connection for LISTEN that any number use as if it were their own: opened for the first of them, ended with the
 * last. All workers listen to one channel and pick out what is for their queue. When it breaks each of them hears its
 * 'error', and the first to ask for another opens it.
 */
export function createSharedListener(open: () => Promise<PgPoolClient>): () => Promise<PgPoolClient> {
  let shared: Shared | undefined;

  async function begin(users: Shared['users']): Promise<Client> {
    const client = await open();
    const asked = new Map<string, Promise<PgQueryResult>>();
    client.on('notification', (message) => {
      for (const user of users) user.emit('notification', message);
    });
    client.on('error', (error) => {
      if (shared?.users === users) shared = undefined;
      for (const user of [...users]) if (user.listenerCount('error') > 0) user.emit('error', error);
    });
    return {
      query: (text) => {
        const answer = asked.get(text) ?? client.query(text);
        asked.set(text, answer);
        answer.catch(() => asked.delete(text));
        return answer;
      },
      release: () => client.release(),
    };
  }

  return async () => {
    if (shared === undefined) {
      const users: Shared['users'] = new Set();
      shared = { users, client: begin(users) };
    }
    const ours = shared;
    const user = new EventEmitter();
    ours.users.add(user);
    const leave = () => {
      const isLast = ours.users.delete(user) && ours.users.size === 0;
      if (isLast && shared === ours) shared = undefined;
      return isLast;
    };
    const client = await ours.client.catch((error) => {
      leave();
      throw error;
    });
    return Object.assign(user, {
      query: client.query,
      release: () => {
        if (leave()) client.release();
      },
    }) as unknown as PgPoolClient;
  };
}

interface Client {
  /** What was asked before is not asked again: to listen once is enough for all. */
  query(text: string): Promise<PgQueryResult>;
  release(): void;
}

interface Shared {
  client: Promise<Client>;
  users: Set<EventEmitter>;
}
