import { parseEnv } from 'node:util';
import { type Config, ConfigError, environmentSchema, parseConfig } from '@tidings/runtime';
import { describe, expect, test } from 'vitest';
import { composeText, readCompose, rolesOf } from './compose.ts';
import { readSettings } from './dockerfile.ts';
import { namesIn, type Variables } from './interpolate.ts';
import { readText } from './repository.ts';

const example = readText('.env.example');
const image = readSettings();
const compose = readCompose();
const names = rolesOf(compose).map(([name]) => name);
const ours = Object.keys(environmentSchema.shape);
/** Within a container these are the image's; PORT and BOARD_PORT choose what is published. */
const fixed = ['NODE_ENV', 'HOST', 'PORT', 'BOARD_PORT', 'WORKERS_PORT', 'DATA_DIR'];

function environmentOf(name: string, variables: Variables = {}): Record<string, string> {
  return { ...image.env, ...readCompose(variables).services[name]?.environment };
}

function configOf(name: string, variables: Variables = {}): Config {
  return parseConfig(environmentOf(name, variables));
}

test.each(names)('%s is configured well with no .env', (name) => {
  expect(configOf(name)).toMatchObject({
    NODE_ENV: 'production',
    HOST: '0.0.0.0',
    DATABASE_URL: 'postgres://tidings:tidings@postgres:5432/tidings',
    REDIS_URL: 'redis://redis:6379',
  });
});

test('.env.example copied to .env as it is changes nothing', () => {
  expect(readCompose(parseEnv(example))).toEqual(compose);
});

describe('with a .env', () => {
  const everything = parseEnv(example.replaceAll(/^#(?=[A-Z][A-Z0-9_]*=)/gm, ''));
  const set: Variables = { ...everything, EMAIL_FROM: 'Acme <hello@acme.example>' };

  test('what is set reaches a role that reads it', () => {
    const arrived = Object.assign({}, ...names.map((name) => environmentOf(name, set)));
    for (const name of ours.filter((one) => !fixed.includes(one)))
      expect(arrived[name], name).toBe(set[name]);
    for (const name of names) expect(() => configOf(name, set)).not.toThrow();
  });

  test('inside, address, ports and data directory stay those of the image', () => {
    for (const name of names) expect(environmentOf(name, set)).toMatchObject(image.env);
    expect(Object.keys(image.env).toSorted()).toEqual(fixed.toSorted());
  });

  test('a password of the database reaches it and every role', () => {
    const POSTGRES_PASSWORD = 'other';
    expect(readCompose({ POSTGRES_PASSWORD }).services.postgres?.environment).toMatchObject({
      POSTGRES_PASSWORD,
    });
    for (const name of names) expect(configOf(name, { POSTGRES_PASSWORD }).DATABASE_URL).toContain(':other@');
  });

  test('a mail server of yours without a sender of yours is refused', () => {
    const SMTP_URL = 'smtp://mail.example.com';
    expect(configOf('workers', { SMTP_URL, EMAIL_FROM: 'a@b.example' })).toMatchObject({
      SMTP_URL: [SMTP_URL],
    });
    expect(() => configOf('workers', { SMTP_URL })).toThrow(ConfigError);
    expect(() => configOf('workers', { SMTP_URL })).toThrow('EMAIL_FROM: must be an address of your own');
  });
});

test('the roles are given no variable that Tidings does not read', () => {
  for (const name of names) expect(ours).toEqual(expect.arrayContaining(Object.keys(environmentOf(name))));
});

test('every variable of docker-compose.yml is explained in .env.example', () => {
  for (const name of namesIn(composeText)) expect(example).toMatch(new RegExp(`^# .+\n#${name}=`, 'm'));
});

test('and every variable that only Docker Compose reads is one of them', () => {
  const [, onlyCompose = ''] = example.split('# --- Docker Compose');
  const named = [...onlyCompose.matchAll(/^#([A-Z_]+)=/gm)].map(([, name = '']) => name);
  const others = [...namesIn(composeText)].filter((name) => !ours.includes(name));
  expect(named.toSorted()).toEqual(others.toSorted());
});
