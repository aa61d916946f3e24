import { resolve } from 'node:path';
import { boardPath, passwordFile } from '@tidings/board';
import type { Config } from '@tidings/runtime';
import type { AllInOne } from './all-in-one.ts';

/** What a person wants to know of a start: where things are and what to do next. */
export function describeStart({ url, apiKey, admin, queue }: AllInOne, config: Config): string {
  const kept = (file: string) => `kept in ${resolve(config.DATA_DIR, file)}`;
  const key = { ...apiKey, value: apiKey.key, variable: 'TIDINGS_API_KEY', kept: kept('api-key') };
  const password = { ...admin, value: admin.password, variable: 'ADMIN_PASSWORD', kept: kept(passwordFile) };
  const servers = (config.SMTP_URL ?? []).map((server) => new URL(server).host);
  if (config.SENDGRID_API_KEY !== undefined) servers.push('SendGrid');
  const mail =
    servers.length === 0
      ? `${resolve(config.DATA_DIR, 'outbox')}  (files; set SMTP_URL to send)`
      : servers.join(', then ');
  const push =
    config.FCM_SERVICE_ACCOUNT === undefined
      ? `${resolve(config.DATA_DIR, 'outbox', 'push')}  (files; set FCM_SERVICE_ACCOUNT_FILE to send)`
      : `FCM, project ${config.FCM_SERVICE_ACCOUNT.project_id}`;
  return [
    '',
    '  Tidings is running.',
    '',
    `  API       ${url}/v1  and  ${url}/trpc`,
    `  Docs      ${url}/docs`,
    `  Health    ${url}/ready`,
    `  API key   ${describeSecret(key)}`,
    `  Board     ${url}${boardPath}`,
    `  Login     ${admin.email} with ${describeSecret(password)}`,
    `            for the board; and for the API (auth.login), until the account has another password`,
    `  E-mail    ${mail}`,
    `  Push      ${push}`,
    `  Record    ${describeRecord(config)}`,
    `  Queue     ${queue.replace(/^queue: /, '')}`,
    '',
  ].join('\n');
}

/** A Postgres by host and database: its URL may hold a password. */
function describeRecord({ DATABASE_URL: url, DATA_DIR }: Config): string {
  if (url === undefined) return resolve(DATA_DIR, 'tidings.db');
  if (!url.startsWith('postgres')) return url;
  const { host, pathname } = new URL(url);
  return `Postgres at ${host}${pathname}`;
}

/** A secret of the environment is known to whoever set it; one of ours is shown, and where it is kept. */
function describeSecret(secret: {
  value: string;
  source: 'environment' | 'file' | 'generated';
  variable: string;
  kept: string;
}): string {
  if (secret.source === 'environment') return `the one in ${secret.variable}`;
  return `${secret.value}  (${secret.source === 'generated' ? 'new; ' : ''}${secret.kept})`;
}
