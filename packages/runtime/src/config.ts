import { readFileSync } from 'node:fs';
import { webhookSecret } from '@tidings/contracts';
import { z } from 'zod';
import { readP256PublicKey } from './p256-key.ts';

/** Variables that may also be given as a file's path in `<NAME>_FILE`, as Docker and Kubernetes secrets are. */
export const secretNames = [
  'DATABASE_URL',
  'REDIS_URL',
  'SMTP_URL',
  'DKIM_PRIVATE_KEY',
  'SENDGRID_API_KEY',
  'FCM_SERVICE_ACCOUNT',
  'ONESIGNAL_API_KEY',
  'ONESIGNAL_WEBHOOK_SECRET',
  'PROVIDER_EVENTS_SECRET',
  'VAPID_PRIVATE_KEY',
  'TIDINGS_API_KEY',
  'JWT_SECRET',
  'JWT_SECRET_PREVIOUS',
  'ENCRYPTION_KEY',
  'ENCRYPTION_KEY_PREVIOUS',
  'ADMIN_PASSWORD',
] as const;

const wholeNumber = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a whole number')
  .transform(Number);
const port = (fallback: number) => wholeNumber.pipe(z.number().max(65_535)).default(fallback);
const rate = wholeNumber.pipe(z.number().min(1).max(1_000_000)).optional();
const url = (schemes: string[], words: string[] = []) =>
  z.string().refine((value) => words.includes(value) || schemes.includes(protocolOf(value)), {
    message: `must be ${[...words, `a URL that begins with ${schemes.join('// or ')}//`].join(', or ')}`,
  });

/** Several stand apart by spaces, which no URL holds. */
const urls = (schemes: string[]) =>
  z
    .string()
    .refine((text) => wordsOf(text).every((word) => schemes.includes(protocolOf(word))), {
      message: `must be a URL that begins with ${schemes.join('// or ')}//, or several apart by spaces`,
    })
    .transform(wordsOf);

const wordsOf = (text: string) => text.split(/\s+/).filter(Boolean);

/** It becomes a header's value. */
const secretWord = z.string().regex(/^[!-~]{1,500}$/, 'must be printable ASCII without spaces');

/** Networks in CIDR notation (RFC 4632, RFC 4291 §2.3), separated by commas. */
const networks = z
  .string()
  .transform((text) => text.split(',').flatMap((part) => part.trim() || []))
  .pipe(z.array(z.union([z.cidrv4(), z.cidrv6()], { error: 'must be networks such as 10.1.0.0/16' })))
  .optional();

/** Origins (RFC 6454), separated by commas. */
const origins = z
  .string()
  .transform((text) => text.split(',').flatMap((part) => part.trim() || []))
  .pipe(z.array(z.string().refine(isOrigin, { message: 'must be origins such as https://app.example.com' })))
  .optional();

/** An https URL without query and fragment, whatever slashes it ends with. */
const httpsUrl = z
  .string()
  .refine((value) => /^https:\/\/[^?#\s]+$/.test(value) && URL.canParse(value), {
    message: 'must be an https URL such as https://tidings.example.com',
  })
  .transform((value) => value.replace(/\/+$/, ''))
  .optional();

const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((value) => value === 'true');

/** Labels of letters, digits and hyphens with dots between them, as in the DNS (RFC 1034 §3.5). */
const labels = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const dkimNames = ['DKIM_DOMAIN', 'DKIM_SELECTOR', 'DKIM_PRIVATE_KEY'] as const;

/** At least as long as the hash it is used with (RFC 7518 §3.2), or the key that is derived from it. */
const secret = z.string().min(32, 'must have 32 characters or more');

/** The key file of a Google service account, as it is downloaded; only what is used is looked at. */
const serviceAccount = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'must be the JSON of a service account key' });
      return z.NEVER;
    }
  })
  .pipe(
    z.object({
      project_id: z.string().min(1),
      client_email: z.string().min(3),
      private_key: z
        .string()
        .startsWith('-----BEGIN PRIVATE KEY-----', 'must be a PEM private key (PKCS #8)'),
      token_uri: z.url().default('https://oauth2.googleapis.com/token'),
    }),
  );
export type ServiceAccount = z.infer<typeof serviceAccount>;

/** The environment: every variable Tidings reads. `.env.example` says the same in prose; a test compares them. */
export const environmentSchema = z
  .object({
    NODE_ENV: z.string().default('development'),
    DATA_DIR: z.string().min(1).default('./data'),
    DATABASE_URL: url(['file:', 'postgres:', 'postgresql:']).optional(),
    DATABASE_POOL_SIZE: wholeNumber.pipe(z.number().min(2).max(500)).default(10),
    REDIS_URL: url(['redis:', 'rediss:'], ['embedded']).optional(),
    HOST: z.string().min(1).default('127.0.0.1'),
    TRUST_PROXY: wholeNumber.pipe(z.number().max(10)).default(0),
    PUBLIC_URL: httpsUrl,
    PORT: port(3000),
    BOARD_PORT: port(3001),
    WORKERS_PORT: port(3002),
    SMTP_URL: urls(['smtp:', 'smtps:']).optional(),
    SMTP_CONNECTIONS: wholeNumber.pipe(z.number().min(1).max(200)).default(16),
    SENDGRID_API_KEY: secretWord.optional(),
    SENDGRID_BASE_URL: url(['https:', 'http:']).default('https://api.sendgrid.com'),
    SENDGRID_WEBHOOK_PUBLIC_KEY: z
      .string()
      .refine(isP256Key, 'must be a P-256 public key, DER in base64')
      .optional(),
    EMAIL_FROM: z.string().min(3).default('Tidings <tidings@localhost>'),
    DKIM_DOMAIN: z.string().max(253).regex(labels, 'must be a domain such as acme.example').optional(),
    DKIM_SELECTOR: z.string().max(253).regex(labels, 'must be a selector such as tidings').optional(),
    // In an .env file a line's end within a value is often written as \n.
    DKIM_PRIVATE_KEY: z
      .string()
      .transform((pem) => pem.replaceAll('\\n', '\n'))
      .optional(),
    FCM_SERVICE_ACCOUNT: serviceAccount.optional(),
    FCM_BASE_URL: url(['https:', 'http:']).default('https://fcm.googleapis.com'),
    FCM_TOKEN_URL: url(['https:', 'http:']).optional(),
    ONESIGNAL_APP_ID: z.guid().optional(),
    ONESIGNAL_API_KEY: secretWord.optional(),
    ONESIGNAL_BASE_URL: url(['https:', 'http:']).default('https://api.onesignal.com'),
    ONESIGNAL_WEBHOOK_SECRET: secretWord.min(24, 'must have 24 characters or more').optional(),
    PROVIDER_EVENTS_SECRET: webhookSecret.optional(),
    VAPID_PUBLIC_KEY: z
      .string()
      .regex(/^B[\w-]{86}$/, 'must be a P-256 point, 65 octets in base64url without padding')
      .optional(),
    VAPID_PRIVATE_KEY: z
      .string()
      .regex(/^[\w-]{43}$/, 'must be 32 octets in base64url without padding')
      .optional(),
    VAPID_SUBJECT: z
      .string()
      .refine((value) => ['mailto:', 'https:'].includes(protocolOf(value)) && !/\blocalhost\b/.test(value), {
        message: 'must begin with mailto: or https://, and not be on localhost',
      })
      .optional(),
    OUTBOUND_ALLOWED_NETWORKS: networks,
    TIDINGS_API_KEY: z
      .string()
      .regex(
        /^tk_[0-9a-z]{8,32}_[0-9A-Za-z_-]{32,128}$/,
        'must look like tk_<id>_<secret of 32 or more characters>',
      )
      .optional(),
    JWT_SECRET: secret.optional(),
    JWT_SECRET_PREVIOUS: secret.optional(),
    ENCRYPTION_KEY: secret.optional(),
    ENCRYPTION_KEY_PREVIOUS: secret.optional(),
    ADMIN_EMAIL: z.email().optional(),
    ADMIN_PASSWORD: z
      .string()
      .min(12, 'must have 12 characters or more')
      .max(256, 'must have 256 characters or fewer')
      .optional(),
    BOARD_READ_ONLY: flag,
    MAX_BACKLOG: wholeNumber.pipe(z.number().min(1)).optional(),
    MIN_FREE_DISK_MB: wholeNumber.default(100),
    CORS_ORIGINS: origins,
    API_RATE_LIMIT: rate,
    EMAIL_RATE_LIMIT: rate,
    PUSH_RATE_LIMIT: rate,
    LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  })
  .refine(
    ({ SMTP_URL, SENDGRID_API_KEY: key, EMAIL_FROM }) => {
      return (SMTP_URL === undefined && key === undefined) || !EMAIL_FROM.includes('@localhost');
    },
    {
      path: ['EMAIL_FROM'],
      message: 'must be an address of your own when SMTP_URL or SENDGRID_API_KEY is set',
    },
  )
  .refine((env) => (env.ONESIGNAL_APP_ID === undefined) === (env.ONESIGNAL_API_KEY === undefined), {
    path: ['ONESIGNAL_APP_ID'],
    message: 'and ONESIGNAL_API_KEY are set together',
  })
  .superRefine((env, context) => {
    const names = ['VAPID_PUBLIC_KEY', 'VAPID_PRIVATE_KEY', 'VAPID_SUBJECT'] as const;
    const missing = names.filter((name) => env[name] === undefined);
    if (missing.length === names.length) return;
    for (const name of missing) {
      context.addIssue({
        code: 'custom',
        path: [name],
        message: 'is needed beside the other VAPID variables',
      });
    }
  })
  .superRefine((env, context) => {
    const missing = dkimNames.filter((name) => env[name] === undefined);
    if (missing.length === dkimNames.length) return;
    for (const name of missing) {
      const others = dkimNames.filter((other) => other !== name).join(' and ');
      context.addIssue({ code: 'custom', path: [name], message: `is needed beside ${others}` });
    }
  })
  .refine((env) => env.ADMIN_PASSWORD === undefined || env.ADMIN_EMAIL !== undefined, {
    path: ['ADMIN_EMAIL'],
    message: 'is needed beside ADMIN_PASSWORD',
  })
  .refine((env) => env.JWT_SECRET_PREVIOUS === undefined || env.JWT_SECRET !== undefined, {
    path: ['JWT_SECRET'],
    message: 'is needed beside JWT_SECRET_PREVIOUS',
  })
  .refine((env) => env.ENCRYPTION_KEY_PREVIOUS === undefined || env.ENCRYPTION_KEY !== undefined, {
    path: ['ENCRYPTION_KEY'],
    message: 'is needed beside ENCRYPTION_KEY_PREVIOUS',
  });

/** The parsed environment. Limits are messages or requests per second; undefined means no limit. */
export type Config = z.infer<typeof environmentSchema>;

/** Thrown with every fault of the environment at once. */
export class ConfigError extends Error {
  readonly faults: string[];
  constructor(faults: string[]) {
    super(
      `The environment has ${faults.length} fault(s):\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/**
 * Parses the environment once. An empty variable counts as not set.
 *
 * @throws ConfigError naming every fault.
 */
export function parseConfig(
  env: Record<string, string | undefined>,
  readFile: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const faults: string[] = [];
  for (const name of secretNames) {
    const path = given[`${name}_FILE`];
    if (path === undefined) continue;
    if (given[name] !== undefined) faults.push(`${name}: set it or ${name}_FILE, not both`);
    try {
      given[name] = readFile(path).trim();
    } catch (cause) {
      faults.push(`${name}_FILE: cannot be read (${cause instanceof Error ? cause.message : String(cause)})`);
    }
  }
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) {
    faults.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return parsed.data as Config;
}

function isP256Key(value: string): boolean {
  try {
    readP256PublicKey(value);
    return true;
  } catch {
    return false;
  }
}

function isOrigin(value: string): boolean {
  return ['http:', 'https:'].includes(protocolOf(value)) && new URL(value).origin === value;
}

function protocolOf(value: string): string {
  return URL.canParse(value) ? new URL(value).protocol : '';
}
