import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Api, bootstrap, createApi, openLimiters } from '@tidings/api';
import type { Operation, Role, Scope } from '@tidings/contracts';
import * as contracts from '@tidings/contracts';
import { createStore, type Store } from '@tidings/db';
import type { QueueEngine } from '@tidings/queue';
import {
  type Config,
  createMetrics,
  type HttpServer,
  type Log,
  type Metrics,
  newId,
  parseConfig,
  silentLog,
} from '@tidings/runtime';
import { hashApiKey } from '../../apps/api/src/auth/api-keys.ts';
import { createPasswords } from '../../apps/api/src/auth/passwords.ts';
import { instanceChange } from '../../apps/api/src/operations.ts';
import { openRecord } from './record.ts';

/** Every operation that the contracts declare. */
export const allOperations = (Object.values(contracts) as unknown[]).filter(
  (value): value is Operation =>
    typeof value === 'object' && value !== null && 'access' in value && 'path' in value,
);

/** The answer to a call, its JSON parsed (undefined when it is none). */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // What it holds is what the test is about to find out.
  body: Record<string, unknown>;
}

/** An account and a login of it. */
export interface TestAccount {
  id: string;
  email: string;
  password: string;
  token: string;
  sessionId: string;
  /** As a browser would send it back. */
  cookie: string;
  /** The header of a call as this account. */
  headers: { authorization: string };
}

/** An API on a record of its own, without a queue unless one is given. */
export interface TestApi {
  api: Api;
  store: Store;
  metrics: Metrics;
  /** The bootstrap key of project `default`. */
  key: string;
  dataDir: string;
  /** Calls `fetch` directly. A string is sent as it is, anything else as JSON; `authorization` is the key's. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** A project with the templates of `default`, and a key of it. */
  addProject(key: string): Promise<string>;
  /** Another key of project `default`. */
  addKey(scopes: Scope[]): Promise<string>;
  /** A new account with this role, logged in by the front door. */
  addAccount(role: Role): Promise<TestAccount>;
  /** Opens a port on loopback. */
  listen(): Promise<HttpServer>;
  /** Takes the write lock of the record from another connection; answers how to give it back. */
  lockRecord(): Promise<() => Promise<void>>;
  /** Lets time pass in the record, or reads it as it is. */
  query(text: string): Promise<unknown[]>;
  /** Another process of the API on the same record, as far as that goes in one; ends with this one. */
  openBeside(): TestApi['call'];
  /** Closes everything and opens the same files again, as a restart does, with these variables changed. */
  restart(env?: TestApiOptions['env']): Promise<TestApi>;
  close(): Promise<void>;
}

export interface TestApiOptions {
  env?: Partial<Record<keyof Config, string>>;
  /** Stands in for parts of the store, to make them fail. */
  changeStore?: (store: Store) => Partial<Store>;
  log?: Log;
  /** A queue for it, which whoever opened it closes. */
  engine?: QueueEngine;
  /** See `createApi`. */
  authCacheMs?: number;
}

/** Opens an API in a fresh directory. */
export async function openTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  return openIn(mkdtempSync(join(tmpdir(), 'tidings-api-')), options);
}

async function openIn(dataDir: string, options: TestApiOptions): Promise<TestApi> {
  const { database, lockRecord, query } = await openRecord(dataDir);
  const real = createStore(database);
  const store: Store = { ...real, ...options.changeStore?.(real) };
  const { key } = await bootstrap({ store, dataDir });
  const config = parseConfig({ DATA_DIR: dataDir, PORT: '0', ...options.env });
  const metrics = createMetrics();
  const { log = silentLog(), authCacheMs, engine } = options;
  const limiters = openLimiters(config);
  const parts = { store, engine, config, log, authCacheMs };
  const api = createApi({ ...parts, metrics, limiters });
  const beside: Array<() => Promise<void>> = [];
  const stop = async () => {
    await api.stop();
    await limiters.stop();
    await Promise.all(beside.map((end) => end()));
    await database.close();
  };
  return {
    api,
    store,
    metrics,
    key,
    dataDir,
    call: (method, path, body, headers) => callApi(api.fetch, key, { method, path, body, headers }),
    addProject: async (name) => {
      const dir = mkdtempSync(join(dataDir, 'project-'));
      const first = await bootstrap({ store: projectNamed(store, name), dataDir: dir });
      return first.key;
    },
    addKey: async (scopes) => {
      const projectId = await store.ensureProject({ id: newId('project'), key: 'default' });
      const id = newId('apiKey').slice(-12);
      const added = `tk_${id}_${'s'.repeat(40)}`;
      await store.putApiKey({ id, projectId, name: 'added', secretHash: hashApiKey(added), scopes });
      return added;
    },
    addAccount: async (role) => {
      const account = await storeAccount(store, role);
      const { email, password } = account;
      const answer = await callApi(api.fetch, key, {
        method: 'POST',
        path: '/v1/auth/login',
        body: { email, password },
      });
      return { ...account, ...loginOf(answer) };
    },
    listen: () => api.start(),
    lockRecord,
    query,
    openBeside: () => {
      const others = openLimiters(config);
      const other = createApi({ ...parts, metrics: createMetrics(), limiters: others });
      beside.push(other.stop, others.stop);
      return (method, path, body, headers) => callApi(other.fetch, key, { method, path, body, headers });
    },
    restart: async (env) => {
      await stop();
      return openIn(dataDir, { ...options, env: { ...options.env, ...env } });
    },
    close: async () => {
      await stop();
      rmSync(dataDir, { recursive: true });
    },
  };
}

/** `bootstrap` makes project `default`; here it makes another one the same way. */
function projectNamed(store: Store, name: string): Store {
  return { ...store, ensureProject: (project) => store.ensureProject({ ...project, key: name }) };
}

/** As whoever starts an instance has one: without an invitation. */
async function storeAccount(store: Store, role: Role) {
  const id = newId('account');
  const [email, password] = [`${role}-${id.slice(-8)}@example.com`, `the password of ${id}`];
  const passwordHash = await createPasswords().hash(password);
  await store.createAccount(
    { kind: 'system', id: '', address: '', requestId: '' },
    { id, email, name: null, role, passwordHash },
    instanceChange('accounts.create', id),
  );
  return { id, email, password };
}

/** What a login leaves with whoever logged in. */
export function loginOf({ body, headers }: Answer) {
  const token = String(body.accessToken);
  const [cookie = ''] = (headers.get('set-cookie') ?? '').split(';');
  const sessionId = cookie.slice(cookie.indexOf('=') + 1).split('.')[0] ?? '';
  return { token, cookie, sessionId, headers: { authorization: `Bearer ${token}` } };
}

/** Calls an API without a port between. */
export async function callApi(
  fetch: Api['fetch'],
  key: string,
  call: { method: string; path: string; body?: unknown; headers?: Record<string, string> },
): Promise<Answer> {
  const { method, path, body, headers } = call;
  const text =
    body === undefined || typeof body === 'string' || body instanceof Uint8Array
      ? body
      : JSON.stringify(body);
  const response = await fetch(
    new Request(new URL(path, 'http://tidings.test'), {
      method,
      ...(text !== undefined && { body: text as string }),
      headers: {
        authorization: `Bearer ${key}`,
        accept: 'application/json',
        ...(text !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
    }),
  );
  return answerOf(response);
}

/** Reads a response to its end. */
export async function answerOf(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const text = await response.text();
  const isJson = /json/.test(headers.get('content-type') ?? '');
  // An answer to HEAD has the headers only.
  return { status, headers, text, body: isJson && text !== '' ? JSON.parse(text) : {} };
}

/** Writes bytes to a port, then answers all that comes back until the other side closes or `until` is seen. */
export function exchange(
  url: string,
  bytes: string | Buffer | Array<string | Buffer>,
  options: { until?: RegExp; hangUp?: boolean } = {},
): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    let received = '';
    const finish = () => {
      socket.destroy();
      resolve(received);
    };
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      if (options.until?.test(received)) finish();
    });
    socket.on('error', finish);
    socket.on('close', finish);
    for (const part of [bytes].flat()) socket.write(part);
    if (options.hangUp) socket.end(finish);
  });
}
