import { resolve } from 'node:path';
import type { Config } from '@tidings/runtime';
import type { AllInOne } from './all-in-one.ts';

/** What a person wants to know of a start: where things are and what to do next. */
export function describeStart({ url, apiKey, queue }: AllInOne, config: Config): string {
  const key = {
    environment: 'the one in TIDINGS_API_KEY',
    file: `${apiKey.key}  (kept in ${resolve(config.DATA_DIR, 'api-key')})`,
    generated: `${apiKey.key}  (new; kept in ${resolve(config.DATA_DIR, 'api-key')})`,
  }[apiKey.source];
  const mail =
    config.SMTP_URL === undefined
      ? `${resolve(config.DATA_DIR, 'outbox')}  (files; set SMTP_URL to send)`
      : new URL(config.SMTP_URL).host;
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
    `  API key   ${key}`,
    `  E-mail    ${mail}`,
    `  Push      ${push}`,
    `  Record    ${config.DATABASE_URL ?? resolve(config.DATA_DIR, 'tidings.db')}`,
    `  Queue     ${queue.replace(/^queue: /, '')}`,
    '',
  ].join('\n');
}
