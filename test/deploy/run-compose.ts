import { execFile } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startProgram } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { startRedis } from '../support/redis-server.ts';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { unprivileged } from '../support/unprivileged.ts';
import type { BuiltImage } from './build-image.ts';
import { readCompose } from './compose.ts';

/** A container of a role, as a process. */
export interface Container {
  process: Child;
  /** Where a published port would lead, by the port within. */
  urlOf(port: 'PORT' | 'BOARD_PORT' | 'WORKERS_PORT'): string;
  /** The exit code of the image's health check. */
  checkHealth(): Promise<number>;
}

/** What `docker compose up` would make, without Docker. */
export interface RunningCompose {
  /** Starts one more container of a service. */
  start(service: string): Promise<Container>;
  dataDir: string;
  /** The /tmp of all containers. */
  tmpDir: string;
  mail: SmtpSink;
  stop(): Promise<void>;
}

/**
 * Starts private servers with the settings that docker-compose.yml gives its own, and runs the services of our
 * image against them: their commands, their environment with the addresses exchanged, and nothing else of
 * this machine's environment.
 */
export async function runCompose(image: BuiltImage): Promise<RunningCompose> {
  const { services } = readCompose();
  const [, ...postgresFlags] = services.postgres?.command ?? [];
  const [, ...redisFlags] = services.redis?.command ?? [];
  const postgres = await startPostgres({ settings: postgresFlags.filter((flag) => flag !== '-c') });
  const redis = await startRedis({ args: redisFlags });
  const mail = await startSmtpSink();
  const addresses = {
    'postgres:5432': `127.0.0.1:${postgres.port}`,
    'redis:6379': `127.0.0.1:${redis.port}`,
    'mailpit:1025': new URL(mail.url).host,
  };
  const temp = tempDir();
  const user = unprivileged();
  const own = (path: string) => {
    mkdirSync(path, { recursive: true });
    if (user.uid !== undefined && user.gid !== undefined) chownSync(path, user.uid, user.gid);
    return path;
  };
  own(temp.path);
  const dataDir = own(join(temp.path, 'data'));
  const tmpDir = own(join(temp.path, 'tmp'));
  const children: Child[] = [];

  async function start(service: string): Promise<Container> {
    const { command = [], environment = {} } = services[service] ?? {};
    const ports = { PORT: await freePort(), BOARD_PORT: await freePort(), WORKERS_PORT: await freePort() };
    const given = Object.entries(environment).map(([name, value]) => [name, exchange(value, addresses)]);
    const env: Record<string, string> = {
      ...image.env,
      ...Object.fromEntries(given),
      ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, `${port}`])),
      DATA_DIR: dataDir,
      TMPDIR: tmpDir,
      PATH: image.bin,
    };
    const options = { cwd: image.dir, env, user };
    const child = startProgram(pathTo(image, [...image.entrypoint, ...command]), options);
    children.push(child);
    const [program = '', ...args] = pathTo(image, image.healthcheck);
    return {
      process: child,
      urlOf: (port) => `http://127.0.0.1:${ports[port]}`,
      checkHealth: () =>
        new Promise((resolve) => {
          const check = execFile(program, args, { cwd: image.dir, env, ...user }, () =>
            resolve(check.exitCode ?? 1),
          );
        }),
    };
  }

  return {
    start,
    dataDir,
    tmpDir,
    mail,
    stop: async () => {
      await Promise.all(children.map((child) => child.end()));
      await Promise.all([mail.stop(), redis.stop(), postgres.stop()]);
      temp.remove();
    },
  };
}

function exchange(value: string, addresses: Record<string, string>): string {
  return Object.entries(addresses).reduce((text, [from, to]) => text.replace(from, to), value);
}

/** A program is looked for in our own environment, not in the one it gets. */
function pathTo(image: BuiltImage, [program = '', ...args]: string[]): string[] {
  return [join(image.bin, program), ...args];
}
