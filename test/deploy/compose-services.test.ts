import { spawnSync } from 'node:child_process';
import { parseConfig } from '@tidings/runtime';
import { describe, expect, test } from 'vitest';
import { type ComposeService, readCompose, rolesOf } from './compose.ts';
import { readSettings } from './dockerfile.ts';
import type { Variables } from './interpolate.ts';
import { root } from './repository.ts';

const image = readSettings();
const compose = readCompose();
const roles = rolesOf(compose);
const services = Object.entries(compose.services);
const serviceOf = (name: string): ComposeService => {
  const service = compose.services[name];
  if (service === undefined) throw new Error(`no service ${name}`);
  return service;
};

test('every role that can run apart has a service, and every command is a role', () => {
  expect(roles.map(([name, { command }]) => [name, command])).toEqual([
    ['api', ['api']],
    ['workers', ['workers']],
    ['board', ['board']],
  ]);
  // Asked for a role it does not have, it names those it has.
  const { stderr } = spawnSync(process.execPath, ['tidings.mjs', '?'], { cwd: root, encoding: 'utf8' });
  for (const [name] of roles) expect(stderr).toMatch(new RegExp(`\\b${name}\\b`));
});

test('the image is built once, and never looked for elsewhere', () => {
  expect(roles.map(([, { build, pull_policy }]) => build ?? pull_policy)).toEqual(['.', 'never', 'never']);
});

describe('ports', () => {
  const published = (variables: Variables = {}) =>
    Object.entries(readCompose(variables).services).flatMap(([name, { ports = [] }]) =>
      ports.map((port) => `${name} ${port}`),
    );

  test('only those of API, board and Mailpit’s page are published, on loopback', () => {
    expect(published()).toEqual([
      'api 127.0.0.1:3000:3000',
      'board 127.0.0.1:3001:3001',
      'mailpit 127.0.0.1:8025:8025',
    ]);
  });

  test('where they are published can be chosen', () => {
    const chosen = { PUBLISH_ADDRESS: '0.0.0.0', PORT: '80', BOARD_PORT: '81', MAILPIT_PORT: '82' };
    expect(published(chosen)).toEqual([
      'api 0.0.0.0:80:3000',
      'board 0.0.0.0:81:3001',
      'mailpit 0.0.0.0:82:8025',
    ]);
  });

  test('those of the image are the defaults of the configuration', () => {
    const { PORT, BOARD_PORT, WORKERS_PORT } = parseConfig({});
    expect(parseConfig(image.env)).toMatchObject({ PORT, BOARD_PORT, WORKERS_PORT });
    expect(image.ports).toEqual([PORT, BOARD_PORT, WORKERS_PORT].map(String));
  });
});

describe('networks and volumes', () => {
  test('what is named is declared, and what is declared is named', () => {
    const networks = services.flatMap(([, service]) => service.networks);
    const volumes = services.flatMap(([, service]) => service.volumes ?? []);
    const sources = volumes.map((volume) => volume.split(':')[0]);
    expect(new Set(networks)).toEqual(new Set(Object.keys(compose.networks)));
    expect(new Set(sources)).toEqual(new Set(Object.keys(compose.volumes)));
  });

  test('database and queue are reached over a network without a way out, and from nowhere else', () => {
    for (const name of ['postgres', 'redis']) {
      const { networks, ports } = serviceOf(name);
      expect(networks.map((network) => compose.networks[network]?.internal)).toEqual([true]);
      expect(ports).toBeUndefined();
    }
  });

  test('who publishes a port or reaches out is on a network that allows it', () => {
    const open = services.filter(([name]) => !['postgres', 'redis'].includes(name));
    for (const [name, { networks }] of open) {
      expect(
        networks.map((network) => compose.networks[network]?.internal ?? false),
        name,
      ).toContain(false);
    }
  });

  test('every host in a URL is a service on a network of the role', () => {
    for (const [name, { environment = {}, networks }] of roles) {
      const urls = Object.values(environment).filter((value) => URL.canParse(value));
      const hosts = urls.map((url) => new URL(url).hostname);
      expect(hosts, name).toEqual(expect.arrayContaining(['postgres', 'redis']));
      for (const host of hosts) {
        expect(
          serviceOf(host).networks.some((network) => networks.includes(network)),
          host,
        ).toBe(true);
      }
    }
  });

  test('the roles write to one volume, at the data directory of the image', () => {
    for (const [, { volumes }] of roles) expect(volumes).toEqual([`tidings-data:${image.env.DATA_DIR}`]);
    expect(image.volumes).toEqual([image.env.DATA_DIR]);
  });
});

test('whoever waits for a service to be healthy waits for one that can tell', () => {
  for (const [, { depends_on: needed = {} }] of services) {
    for (const [name, { condition }] of Object.entries(needed)) {
      expect(condition).toBe('service_healthy');
      expect(serviceOf(name).healthcheck?.test[0]).toBe('CMD');
    }
  }
  for (const [, { depends_on: needed = {} }] of roles)
    expect(Object.keys(needed)).toEqual(['postgres', 'redis']);
});

test('everything comes back after a crash or a reboot, and no log fills the disk', () => {
  for (const [, { restart, logging }] of services) {
    expect(restart).toBe('unless-stopped');
    expect(logging?.options).toHaveProperty('max-size');
  }
});

test('a role cannot change the system it runs on, nor gain rights', () => {
  const locked = {
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    tmpfs: ['/tmp'],
  };
  for (const [, service] of roles) expect(service).toMatchObject(locked);
  expect(image.user).toBe('node');
});

test('the workers can be many: no port and no name of theirs exists once only', () => {
  const { ports, container_name: name } = serviceOf('workers');
  expect([ports, name]).toEqual([undefined, undefined]);
});

describe('what the promises stand on', () => {
  test('the queue says that it is full instead of forgetting, and writes what it is told', () => {
    const [program, ...flags] = serviceOf('redis').command ?? [];
    expect(program).toBe('redis-server');
    expect(flags.join(' ')).toContain('--maxmemory-policy noeviction');
    expect(flags.join(' ')).toContain('--appendonly yes');
  });

  test('the record is in UTF-8, and its durable settings are left as shipped', () => {
    const { command = [], environment = {} } = serviceOf('postgres');
    expect(environment.POSTGRES_INITDB_ARGS).toContain('--encoding=UTF8');
    expect(command.join(' ')).not.toMatch(/fsync|synchronous_commit|full_page_writes/);
  });

  test('database, user and password of its URL are those that Postgres makes', () => {
    const { environment = {} } = serviceOf('postgres');
    for (const [, role] of roles) {
      const { username, password, pathname } = new URL(role.environment?.DATABASE_URL ?? '');
      expect([username, password, pathname]).toEqual([
        environment.POSTGRES_USER,
        environment.POSTGRES_PASSWORD,
        `/${environment.POSTGRES_DB}`,
      ]);
    }
  });
});
