import { bootstrap, createApi } from '@tidings/api';
import { queueNames } from '@tidings/contracts';
import { createStore, type Store } from '@tidings/db';
import { addJobs } from '@tidings/queue';
import { createMetrics, newId, parseConfig, silentLog } from '@tidings/runtime';
import { createWorkers, type Provider } from '@tidings/workers';
import { type Answer, answerOf } from '../support/api.ts';
import { openQueue } from '../support/engines.ts';
import { type Mortal, mortal } from '../support/mortal.ts';
import { onlyProvider } from '../support/only-provider.ts';
import { openRecord } from '../support/record.ts';
import { watchStatuses } from '../support/status-moves.ts';
import { tempDir } from '../support/temp-dir.ts';
import { budget, type ProviderAnswer } from './model.ts';

const log = silentLog();

/** One thing that reached the provider in full. */
export interface Copy {
  messageId: string;
  date: number;
}

const idsOf = (rows: unknown[]) => (rows as Array<{ id: string }>).map(({ id }) => id);

export type System = Awaited<ReturnType<Awaited<ReturnType<typeof openSystem>>['fresh']>>;

/** A Tidings whose provider answers by script and whose workers can be killed. `fresh` begins with a new project. */
export async function openSystem() {
  const dir = tempDir();
  const record = await openRecord(dir.path);
  const store = createStore(record.database);
  const engine = await openQueue(dir.path);
  const moves = await watchStatuses(record);
  let runs = 0;
  let workersMade = 0;

  async function fresh() {
    runs += 1;
    const { projectId, fetch, key, stopApi } = await openProject(`run-${runs}`);
    const scripts = new Map<string, ProviderAnswer[]>();
    const copies: Copy[] = [];
    const waiting: Array<() => void> = [];
    const alive: Array<Mortal & { owner: string }> = [];

    /** Follows the script of the address, and then delivers. */
    const provider: Provider = {
      name: 'scripted',
      send: async ({ messageId, address, date }) => {
        const answer = scripts.get(address)?.shift() ?? 'sent';
        if (answer === 'sent' || answer === 'ambiguous' || answer === 'waits')
          copies.push({ messageId, date });
        if (answer !== 'waits') return { outcome: answer };
        await new Promise<void>((resolve) => waiting.push(resolve));
        return { outcome: 'sent' };
      },
      probe: async () => true,
      close: async () => {},
    };

    function startWorker(): void {
      workersMade += 1;
      const owner = `worker-${workersMade}`;
      const process = mortal({ store, engine });
      createWorkers({
        ...process,
        providers: onlyProvider(provider),
        config: parseConfig({ DATA_DIR: dir.path }),
        log,
        metrics: createMetrics(),
        owner,
        tuning: {
          policy: { maxFailures: budget, baseMs: 5, capMs: 20 },
          // Only a test takes a lease away, however slow the machine is.
          leaseMs: 60_000,
          renewMs: 500,
          lockMs: 1500,
          stalledMs: 500,
          holdBaseMs: 50,
          holdCapMs: 50,
          graceMs: 500,
        },
      }).start();
      alive.push({ ...process, owner });
    }

    /** Answers the messages that it leaves in the middle of an attempt. */
    async function killWorker(): Promise<string[]> {
      const process = alive.shift();
      if (process === undefined) return [];
      await process.kill();
      const left = await record.query(
        `SELECT message_id AS id FROM attempts WHERE outcome = 'started' AND worker = '${process.owner}'`,
      );
      // As the next one of that name does when it starts.
      await store.endLeasesOf(process.owner);
      return idsOf(left);
    }

    async function call(
      method: string,
      path: string,
      body?: unknown,
      headers: Record<string, string> = {},
    ): Promise<Answer> {
      const response = await fetch(
        new Request(`http://tidings.test${path}`, {
          method,
          headers: {
            authorization: `Bearer ${key}`,
            ...(body !== undefined && { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        }),
      );
      return answerOf(response);
    }

    async function list(filter = ''): Promise<string[]> {
      const answer = await call('GET', `/v1/notifications?limit=100${filter}`);
      return (answer.body.items as Array<{ id: string }>).map(({ id }) => id);
    }

    return {
      store,
      projectId,
      copies,
      moves,
      call,
      list,
      startWorker,
      killWorker,
      /** A key and an address that nobody had, with what the provider will do for it. */
      next: (script: ProviderAnswer[]) => {
        const name = newId('notification');
        const email = `${name}@example.com`;
        scripts.set(email, [...script]);
        return { key: name, email };
      },
      release: () => {
        for (const answer of waiting.splice(0)) answer();
      },
      /** Answers the messages that were being sent. */
      loseLeases: async () => {
        const robbed = await record.query(
          `UPDATE messages SET lease_until = 1 WHERE status = 'sending' AND project_id = '${projectId}' RETURNING id`,
        );
        return idsOf(robbed);
      },
      /** A second job for each message, as an older copy of the queue would bring it back. */
      bringOldJobs: async (ids: string[]) => {
        const generation = 1000 + Math.floor(performance.now());
        const job = { generation, channel: 'email', lane: 'normal', delayMs: 0 } as const;
        await addJobs(
          engine,
          ids.map((id) => ({ ...job, id })),
        );
      },
      pause: async (paused: boolean) => {
        for (const name of queueNames) {
          if (paused) await engine.queue(name).pause();
          else await engine.queue(name).resume();
        }
      },
      wipe: async () => {
        for (const name of queueNames) await engine.queue(name).obliterate({ force: true });
        for (const name of queueNames) await engine.queue(name).resume();
        await engine.sequence.set(0);
      },
      passTime: async (ms: number) => {
        await record.query(
          `UPDATE messages SET due_at = due_at - ${ms}, expires_at = expires_at - ${ms}
           WHERE ended_at IS NULL AND project_id = '${projectId}'`,
        );
      },
      /** What is scheduled is due now. */
      comeDue: async () => {
        await record.query(
          `UPDATE messages SET due_at = 1 WHERE status = 'scheduled' AND project_id = '${projectId}'`,
        );
      },
      /** Leaves nothing running. */
      end: async () => {
        while (alive.length > 0) await killWorker();
        await stopApi();
      },
    };
  }

  async function openProject(name: string) {
    const own = tempDir();
    const projectId = await store.ensureProject({ id: newId('project'), key: name });
    const inIt: Store = { ...store, ensureProject: async () => projectId };
    const { key } = await bootstrap({ store: inIt, dataDir: own.path });
    own.remove();
    const content = { en: { email: { subject: 's', text: 't' } } };
    const held = {
      id: newId('template'),
      key: 'held_in_doubt',
      category: null,
      onAmbiguous: 'hold' as const,
      schema: {},
      source: { content },
      content,
    };
    await store.addFirstTemplates(projectId, { parts: [], templates: [held] });
    const api = createApi({
      store,
      engine,
      config: parseConfig({ DATA_DIR: dir.path, PORT: '0' }),
      log,
      metrics: createMetrics(),
    });
    return { projectId, key, fetch: api.fetch, stopApi: api.stop };
  }

  return {
    fresh,
    close: async () => {
      await engine.close();
      await record.database.close();
      dir.remove();
    },
  };
}
