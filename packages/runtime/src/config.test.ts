import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ConfigError, environmentSchema, parseConfig, secretNames } from './index.ts';

const key = `tk_0123456789ab_${'s'.repeat(40)}`;

function faultsOf(env: Record<string, string>, readFile?: (path: string) => string): string[] {
  try {
    parseConfig(env, readFile);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

test('an empty environment is a good one', () => {
  expect(parseConfig({})).toMatchObject({
    PORT: 3000,
    HOST: '127.0.0.1',
    DATA_DIR: './data',
    LOG_LEVEL: 'info',
  });
});

test('a variable that is set to nothing counts as not set', () => {
  expect(parseConfig({ PORT: '', REDIS_URL: '', SMTP_URL: '' })).toEqual(parseConfig({}));
});

test('variables that are not ours are left alone', () => {
  expect(parseConfig({ PATH: '/bin', HOME: '/root' })).toEqual(parseConfig({}));
});

test('every fault is named at once', () => {
  const faults = faultsOf({
    PORT: '70000',
    WORKERS_PORT: 'many',
    REDIS_URL: 'http://localhost',
    DATABASE_URL: 'mysql://localhost',
    DATABASE_POOL_SIZE: '1',
    BOARD_PORT: '-1',
    BOARD_READ_ONLY: 'yes',
    FCM_SERVICE_ACCOUNT: '{"project_id":"x","client_email":"a@b.c"}',
    FCM_BASE_URL: 'fcm.googleapis.com',
    ONESIGNAL_APP_ID: 'my-app',
    ONESIGNAL_API_KEY: 'two words',
    ONESIGNAL_BASE_URL: 'ftp://onesignal.com',
    VAPID_PUBLIC_KEY: 'B',
    VAPID_PRIVATE_KEY: 'hunter2',
    VAPID_SUBJECT: 'ada@example.com',
    OUTBOUND_ALLOWED_NETWORKS: '10.0.0.0/8, 10.0.0.1',
    ADMIN_EMAIL: 'admin',
    ADMIN_PASSWORD: 'short',
    JWT_SECRET: 'short',
    JWT_SECRET_PREVIOUS: 'short',
    TRUST_PROXY: '11',
    SMTP_URL: 'localhost:25',
    SMTP_CONNECTIONS: '201',
    SENDGRID_API_KEY: 'SG.key\nx: y',
    SENDGRID_BASE_URL: 'api.sendgrid.com',
    TIDINGS_API_KEY: 'secret',
    API_RATE_LIMIT: '0',
    EMAIL_RATE_LIMIT: '-1',
    PUSH_RATE_LIMIT: '1.5',
    LOG_LEVEL: 'loud',
  });
  expect(faults.map((fault) => fault.split(':')[0]).sort()).toEqual(
    [
      'API_RATE_LIMIT',
      'ADMIN_EMAIL',
      'ADMIN_PASSWORD',
      'BOARD_PORT',
      'BOARD_READ_ONLY',
      'DATABASE_POOL_SIZE',
      'DATABASE_URL',
      'FCM_BASE_URL',
      'FCM_SERVICE_ACCOUNT.private_key',
      'EMAIL_RATE_LIMIT',
      'JWT_SECRET',
      'JWT_SECRET_PREVIOUS',
      'LOG_LEVEL',
      'PORT',
      'PUSH_RATE_LIMIT',
      'REDIS_URL',
      'SMTP_URL',
      'SMTP_CONNECTIONS',
      'SENDGRID_API_KEY',
      'SENDGRID_BASE_URL',
      'TIDINGS_API_KEY',
      'TRUST_PROXY',
      'ONESIGNAL_APP_ID',
      'ONESIGNAL_API_KEY',
      'ONESIGNAL_BASE_URL',
      'VAPID_PUBLIC_KEY',
      'VAPID_PRIVATE_KEY',
      'VAPID_SUBJECT',
      'OUTBOUND_ALLOWED_NETWORKS.1',
      'WORKERS_PORT',
    ].sort(),
  );
});

test('a fault never repeats the value: it may be a secret', () => {
  const message = new ConfigError(
    faultsOf({ TIDINGS_API_KEY: 'hunter2', SMTP_URL: 'hunter2', REDIS_URL: 'hunter2' }),
  );
  expect(message.message).not.toContain('hunter2');
  expect(message.faults.length).toBeGreaterThanOrEqual(3);
});

test('a mail server needs a sender of your own', () => {
  const SMTP_URL = 'smtp://mail.example.com';
  expect(faultsOf({ SMTP_URL })).toEqual([expect.stringMatching(/^EMAIL_FROM: /)]);
  expect(faultsOf({ SMTP_URL, EMAIL_FROM: 'Ada <ada@example.com>' })).toEqual([]);
  expect(faultsOf({ SENDGRID_API_KEY: 'SG.key' })).toEqual([expect.stringMatching(/^EMAIL_FROM: /)]);
});

test('what signs e-mails is set in full or not at all', () => {
  const all = {
    DKIM_DOMAIN: 'mail.acme.example',
    DKIM_SELECTOR: '2027.tidings',
    DKIM_PRIVATE_KEY: '-----BEGIN\\nx\\n',
  };
  expect(parseConfig(all).DKIM_PRIVATE_KEY).toBe('-----BEGIN\nx\n');
  const { DKIM_DOMAIN, DKIM_SELECTOR } = all;
  expect(faultsOf({ DKIM_DOMAIN, DKIM_SELECTOR })).toEqual([
    'DKIM_PRIVATE_KEY: is needed beside DKIM_DOMAIN and DKIM_SELECTOR',
  ]);
  expect(faultsOf({ DKIM_PRIVATE_KEY: 'x' })).toHaveLength(2);
  for (const wrong of ['a;d=b', 'a b', '.a', 'a..b', 'acme.example\nx']) {
    expect(faultsOf({ ...all, DKIM_DOMAIN: wrong })).toEqual([expect.stringMatching(/^DKIM_DOMAIN: must/)]);
    expect(faultsOf({ ...all, DKIM_SELECTOR: wrong })).toEqual([
      expect.stringMatching(/^DKIM_SELECTOR: must/),
    ]);
  }
});

test('a service account is read from the JSON of its key file, which may lack a token_uri', () => {
  const account = {
    project_id: 'my-app',
    client_email: 'a@b.c',
    private_key: '-----BEGIN PRIVATE KEY-----…',
  };
  expect(parseConfig({ FCM_SERVICE_ACCOUNT: JSON.stringify(account) }).FCM_SERVICE_ACCOUNT).toEqual({
    ...account,
    token_uri: 'https://oauth2.googleapis.com/token',
  });
  expect(faultsOf({ FCM_SERVICE_ACCOUNT: 'my-app' })).toEqual([
    'FCM_SERVICE_ACCOUNT: must be the JSON of a service account key',
  ]);
});

test('origins are given as a list, and as nothing but origins', () => {
  const listed = parseConfig({ CORS_ORIGINS: 'https://app.example.com, http://localhost:5173' });
  expect(listed.CORS_ORIGINS).toEqual(['https://app.example.com', 'http://localhost:5173']);
  for (const wrong of [
    '*',
    'null',
    'app.example.com',
    'https://app.example.com/',
    'https://a.b/c',
    'ws://a.b',
  ]) {
    expect(faultsOf({ CORS_ORIGINS: wrong })).toEqual([expect.stringMatching(/^CORS_ORIGINS/)]);
  }
});

test.each([
  ['https://tidings.example.com', 'https://tidings.example.com'],
  ['https://example.com/tidings//', 'https://example.com/tidings'],
])('the public URL %s has no slash at its end', (given, read) => {
  expect(parseConfig({ PUBLIC_URL: given }).PUBLIC_URL).toBe(read);
});

test.each([
  'http://example.com',
  'https://example.com/?a=b',
  'https://example.com/#a',
  'https://',
  'example.com',
])('%s is no public URL', (given) => {
  expect(() => parseConfig({ PUBLIC_URL: given })).toThrow('PUBLIC_URL: must be an https URL');
});

test('the VAPID variables are set together or not at all', () => {
  const VAPID_SUBJECT = 'mailto:push@example.com';
  expect(faultsOf({ VAPID_SUBJECT })).toEqual([
    'VAPID_PUBLIC_KEY: is needed beside the other VAPID variables',
    'VAPID_PRIVATE_KEY: is needed beside the other VAPID variables',
  ]);
  const keys = { VAPID_PUBLIC_KEY: `B${'A'.repeat(86)}`, VAPID_PRIVATE_KEY: 'A'.repeat(43) };
  expect(faultsOf({ ...keys, VAPID_SUBJECT })).toEqual([]);
  for (const wrong of ['push@example.com', 'http://example.com', 'https://localhost', 'mailto:a@localhost']) {
    expect(faultsOf({ ...keys, VAPID_SUBJECT: wrong })).toEqual([expect.stringMatching(/^VAPID_SUBJECT: /)]);
  }
});

test('an app of OneSignal and its key are set together', () => {
  const ONESIGNAL_APP_ID = '5dcf9ad4-6f5d-4b4c-8a3b-6c1b9d1f0a27';
  const ONESIGNAL_API_KEY = 'os_v2_app_key';
  const together = ['ONESIGNAL_APP_ID: and ONESIGNAL_API_KEY are set together'];
  expect(faultsOf({ ONESIGNAL_APP_ID })).toEqual(together);
  expect(faultsOf({ ONESIGNAL_API_KEY })).toEqual(together);
  expect(faultsOf({ ONESIGNAL_APP_ID, ONESIGNAL_API_KEY })).toEqual([]);
});

test('the secrets of webhooks are as long as they must be, and the key of SendGrid is one on P-256', () => {
  const PROVIDER_EVENTS_SECRET = (octets: number) => `whsec_${Buffer.alloc(octets, 7).toString('base64')}`;
  for (const octets of [24, 25, 26, 63, 64]) {
    expect(faultsOf({ PROVIDER_EVENTS_SECRET: PROVIDER_EVENTS_SECRET(octets) })).toEqual([]);
  }
  const [short, long] = [PROVIDER_EVENTS_SECRET(23), PROVIDER_EVENTS_SECRET(65)];
  for (const secret of [short, long, PROVIDER_EVENTS_SECRET(24).slice('whsec_'.length)]) {
    expect(faultsOf({ PROVIDER_EVENTS_SECRET: secret })).toHaveLength(1);
  }
  const keyOn = (namedCurve: string) =>
    generateKeyPairSync('ec', { namedCurve }).publicKey.export({ type: 'spki', format: 'der' });
  const faultsOfKey = (curve: string) =>
    faultsOf({ SENDGRID_WEBHOOK_PUBLIC_KEY: keyOn(curve).toString('base64') });
  expect(faultsOfKey('prime256v1')).toEqual([]);
  expect(faultsOfKey('secp384r1')).toHaveLength(1);
  expect(faultsOf({ SENDGRID_WEBHOOK_PUBLIC_KEY: 'bm9uZQ==' })).toHaveLength(1);
  expect(faultsOf({ ONESIGNAL_WEBHOOK_SECRET: 'short' })).toHaveLength(1);
});

test('networks are given as a list, and as nothing but networks', () => {
  const listed = parseConfig({ OUTBOUND_ALLOWED_NETWORKS: '10.1.0.0/16, fd00::/8' });
  expect(listed.OUTBOUND_ALLOWED_NETWORKS).toEqual(['10.1.0.0/16', 'fd00::/8']);
  for (const wrong of ['*', 'localhost', '10.0.0.1', '10.0.0.0/33', '::1/129', '10.0.0.0/8 fd00::/8']) {
    const faults = faultsOf({ OUTBOUND_ALLOWED_NETWORKS: wrong });
    expect(faults).toEqual([expect.stringMatching(/^OUTBOUND_ALLOWED_NETWORKS/)]);
  }
});

test('a password needs somebody to belong to', () => {
  expect(faultsOf({ ADMIN_PASSWORD: 'long enough for it' })).toEqual([
    expect.stringMatching(/^ADMIN_EMAIL: /),
  ]);
});

describe('secrets in files', () => {
  const files: Record<string, string> = {
    '/redis': 'redis://redis:6379\n',
    '/smtp': ' smtp://mail.example.com ',
    '/key': `${key}\n`,
  };
  const readFile = (path: string) => {
    const text = files[path];
    if (text === undefined) throw new Error(`ENOENT ${path}`);
    return text;
  };

  test('are read, without the white space around them', () => {
    const env = {
      REDIS_URL_FILE: '/redis',
      SMTP_URL_FILE: '/smtp',
      TIDINGS_API_KEY_FILE: '/key',
      EMAIL_FROM: 'a@b.c',
    };
    expect(parseConfig(env, readFile)).toMatchObject({
      REDIS_URL: 'redis://redis:6379',
      SMTP_URL: ['smtp://mail.example.com'],
      TIDINGS_API_KEY: key,
    });
  });

  test.each(secretNames)('%s and its file together are a fault', (name) => {
    const faults = faultsOf({ [name]: key, [`${name}_FILE`]: '/key' }, readFile);
    expect(faults).toContain(`${name}: set it or ${name}_FILE, not both`);
  });

  test('a file that cannot be read is a fault beside the others', () => {
    const faults = faultsOf({ TIDINGS_API_KEY_FILE: '/nowhere', SMTP_URL_FILE: '/key', PORT: 'x' }, readFile);
    expect(faults.map((fault) => fault.split(':')[0]).sort()).toEqual([
      'EMAIL_FROM',
      'PORT',
      'SMTP_URL',
      'TIDINGS_API_KEY_FILE',
    ]);
  });

  test('a file of nothing is a fault', () => {
    expect(faultsOf({ TIDINGS_API_KEY_FILE: '/empty' }, () => '\n')).toEqual([
      expect.stringMatching(/^TIDINGS_API_KEY/),
    ]);
  });
});

describe('.env.example', () => {
  const wholeText = readFileSync(new URL('../../../.env.example', import.meta.url), 'utf8');
  // What only docker-compose.yml reads is compared with that file by the tests of test/deploy.
  const [text = ''] = wholeText.split('# --- Docker Compose only');
  const entries = [...text.matchAll(/^#?([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, name = '', value = '']) => ({
    name,
    value,
  }));

  test('names every variable of the schema, each once, and no other', () => {
    expect(entries.map(({ name }) => name).sort()).toEqual(Object.keys(environmentSchema.shape).sort());
  });

  test('explains every variable in the lines before it', () => {
    const lines = text.split('\n');
    for (const { name } of entries) {
      const at = lines.findIndex((line) => line.startsWith(`#${name}=`));
      expect(lines[at - 1], name).toMatch(/^# \S/);
    }
  });

  test('copied to .env as it is, it is the same as no .env', () => {
    expect(parseConfig(parseEnv(text))).toEqual(parseConfig({}));
  });

  test('with every variable uncommented it is a good one, and its defaults are those of the schema', () => {
    const uncommented = parseEnv(text.replaceAll(/^#(?=[A-Z][A-Z0-9_]*=)/gm, ''));
    const config = parseConfig({ ...uncommented, EMAIL_FROM: 'Tidings <tidings@example.com>' });
    const defaults = parseConfig({});
    for (const [name, value] of Object.entries(defaults)) {
      if (name !== 'EMAIL_FROM') expect(config).toHaveProperty(name, value);
    }
    expect(uncommented.EMAIL_FROM).toBe(defaults.EMAIL_FROM);
  });

  test('mentions the file of every secret', () => {
    for (const name of secretNames) expect(text).toContain(`${name}_FILE`);
  });
});
