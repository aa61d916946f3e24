import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Log, withDeadline } from '@tidings/runtime';
import { Redis } from 'ioredis';

const programs = ['redis-server', 'valkey-server'];
const answerMs = 5000;
const stopMs = 2000;
const restartPauseMs = 250;

/** A Redis that belongs to this process, reached through a unix socket only. */
export interface PrivateRedis {
  /** The socket, also of the servers that replace one that died. */
  readonly path: string;
  /** Ends the server (SIGTERM, SIGKILL after two seconds) and removes its socket and its record. */
  stop(): Promise<void>;
}

/** What the next start needs to find a server that outlived its parent. */
interface ServerRecord {
  pid: number;
  path: string;
}

/**
 * Starts a private Redis or Valkey without persistence, when one is on the PATH: a queue may be lost at any
 * time, since SQL is the record. A server that dies is replaced on the same socket, empty. A server left by a
 * parent that was killed is ended first, found by the record in `dataDir`.
 */
export async function startPrivateRedis(options: {
  dataDir: string;
  log: Log;
}): Promise<PrivateRedis | undefined> {
  const { dataDir, log } = options;
  const program = findProgram();
  if (!program) return undefined;
  mkdirSync(dataDir, { recursive: true });
  const record = join(dataDir, 'private-redis.json');
  await endLeftOver(record, log);

  // mkdtemp makes it ours alone (0700). A socket path longer than 103 bytes cannot be bound (sun_path).
  const base = tmpdir().length <= 80 ? tmpdir() : '/tmp';
  const dir = mkdtempSync(join(base, 'tidings-'));
  const path = join(dir, 'redis.sock');
  let stopping = false;
  let child: ChildProcess;

  function launch(): void {
    // Detached: a Ctrl-C in the terminal is for us, and the queue must outlast the workers.
    child = spawn(program as string, serverArguments(path, dir), { stdio: 'ignore', detached: true });
    if (child.pid) writeFileSync(record, JSON.stringify({ pid: child.pid, path } satisfies ServerRecord));
    child.on('error', (err) => log.error({ err }, 'the private Redis did not start'));
    child.once('close', async (code, signal) => {
      if (stopping) return;
      log.warn({ code, signal }, 'the private Redis ended; starting another');
      await delay(restartPauseMs, undefined, { ref: false });
      if (!stopping) launch();
    });
  }
  const endWithParent = () => {
    child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };

  async function stop(): Promise<void> {
    stopping = true;
    process.off('exit', endWithParent);
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'close');
      child.kill('SIGTERM');
      if (!(await withDeadline(ended, stopMs))) child.kill('SIGKILL');
      await withDeadline(ended, stopMs);
    }
    rmSync(dir, { recursive: true, force: true });
    rmSync(record, { force: true });
  }

  process.once('exit', endWithParent);
  launch();
  if (await answers(path)) return { path, stop };
  log.warn({ program }, 'the private Redis does not answer; going on without it');
  await stop();
  return undefined;
}

function serverArguments(path: string, dir: string): string[] {
  const settings = {
    port: '0',
    unixsocket: path,
    unixsocketperm: '700',
    dir,
    save: '',
    appendonly: 'no',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

function findProgram(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return programs.flatMap((program) => folders.map((folder) => join(folder, program))).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether the server behind the socket answers PING before the deadline. */
async function answers(path: string): Promise<boolean> {
  const redis = new Redis({ path, retryStrategy: () => 25, maxRetriesPerRequest: null });
  redis.on('error', () => {}); // refused until it listens
  const pong = redis.ping().then(
    () => true,
    () => false,
  );
  const inTime = await withDeadline(pong, answerMs);
  redis.disconnect();
  return inTime && (await pong);
}

/** Ends the recorded server, but only while that process is still the one that serves the recorded socket. */
async function endLeftOver(record: string, log: Log): Promise<void> {
  const left = readRecord(record);
  if (!left) return;
  if (serves(left)) {
    log.warn({ pid: left.pid }, 'ending the private Redis of a killed parent');
    signal(left.pid, 'SIGTERM');
    for (let waitedMs = 0; serves(left) && waitedMs < 2 * stopMs; waitedMs += 20) {
      if (waitedMs === stopMs) signal(left.pid, 'SIGKILL');
      await delay(20);
    }
  }
  rmSync(dirname(left.path), { recursive: true, force: true });
  rmSync(record, { force: true });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself in between.
  }
}

function readRecord(record: string): ServerRecord | undefined {
  try {
    const { pid, path } = JSON.parse(readFileSync(record, 'utf8'));
    const ours = Number.isSafeInteger(pid) && pid > 1 && /\/tidings-\w+\/redis\.sock$/.test(path);
    return ours ? { pid, path } : undefined;
  } catch {
    return undefined; // none, or torn by the kill: nothing to find
  }
}

/** Redis shows its socket in its process title; a pid that was given to another program does not. */
function serves({ pid, path }: ServerRecord): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(path);
  } catch {
    return false;
  }
}
