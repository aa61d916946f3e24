import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { endWithParent } from './end-with-parent.ts';
import { freePort } from './free-port.ts';
import { unprivileged } from './unprivileged.ts';

const bin = findPrograms();

/** Whether tests that start and kill a Postgres of their own can run here. */
export const postgresAvailable = bin !== undefined;

/** A Postgres of its own for a test file, on 127.0.0.1, with its durable settings as shipped. */
export interface TestPostgres {
  /** The URL of a database, by default the one named `tidings`. Its owner is a superuser. */
  url(database?: string): string;
  readonly port: number;
  /** Makes an empty database and answers its URL. */
  createDatabase(name: string): Promise<string>;
  /** SIGKILL to the server and its children, as when the machine loses power. */
  kill(): Promise<void>;
  /** SIGSTOP to the server and its children: it is there and answers nothing. */
  freeze(): void;
  /** Undoes `freeze`. */
  thaw(): void;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a private Postgres in a temporary directory. It refuses to run as root: then it runs as `nobody`.
 * `settings` are further lines of its configuration; `under` is where that directory is made.
 */
export async function startPostgres(
  options: { settings?: string[]; under?: string } = {},
): Promise<TestPostgres> {
  if (bin === undefined) throw new Error('there is no postgres on this machine');
  const { settings = [], under = tmpdir() } = options;
  const port = await freePort();
  const dir = mkdtempSync(join(under, 'tidings-postgres-'));
  const user = unprivileged();
  // The data directory belongs to the server's user, who must be able to reach it.
  chmodSync(dir, 0o755);
  execFileSync('mkdir', ['-p', join(dir, 'data')]);
  if (user.uid !== undefined) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, dir]);
  const data = join(dir, 'data');
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'tidings', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
    { ...user, cwd: dir, stdio: 'pipe' },
  );
  const server = ['port', 'listen_addresses', 'unix_socket_directories', 'max_connections'];
  const values = [`${port}`, '127.0.0.1', dir, '200'];
  const lines = [...server.map((name, index) => `${name}=${values[index]}`), ...settings];
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    child = spawn(join(bin ?? '', 'postgres'), ['-D', data, ...lines.flatMap((line) => ['-c', line])], {
      ...user,
      cwd: dir,
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    let log = '';
    child.stderr?.on('data', (chunk) => {
      log += chunk;
    });
    await untilItAnswers(urlOf('postgres'), () => log);
  }
  function signalAll(name: NodeJS.Signals): void {
    for (const pid of familyOf(child?.pid)) {
      try {
        process.kill(pid, name);
      } catch {
        // It has gone meanwhile.
      }
    }
  }
  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    signalAll('SIGKILL');
    await ended;
    // Its children hold the shared memory until they are gone, and a start would refuse to go on.
    rmSync(join(data, 'postmaster.pid'), { force: true });
  }
  const urlOf = (database: string) => `postgres://tidings@127.0.0.1:${port}/${database}`;
  const forget = endWithParent(() => signalAll('SIGKILL'));

  async function createDatabase(name: string): Promise<string> {
    const client = new pg.Client({ connectionString: urlOf('postgres') });
    await client.connect();
    await client.query(`CREATE DATABASE "${name}"`);
    await client.end();
    return urlOf(name);
  }

  await start();
  await createDatabase('tidings');
  return {
    url: (database = 'tidings') => urlOf(database),
    port,
    createDatabase,
    kill,
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    start,
    stop: async () => {
      forget();
      await kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The server and its children: each connection is a process, and each is the leader of a group of its own. */
function familyOf(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
    .map(Number);
  return [pid, ...children];
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

async function untilItAnswers(url: string, log: () => string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
      await client.end();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`postgres did not start:\n${log()}`, { cause: error });
      await delay(50);
    }
  }
}

/** Where `postgres` and `initdb` are: on the PATH, or where Debian keeps them. */
function findPrograms(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : [];
  const places = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  return places.find((dir) => existsSync(join(dir, 'postgres')) && existsSync(join(dir, 'initdb')));
}
