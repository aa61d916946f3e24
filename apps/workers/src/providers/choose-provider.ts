import { join } from 'node:path';
import type { QueueName } from '@tidings/contracts';
import { type Config, ConfigError } from '@tidings/runtime';
import { createEmailOutbox } from './email-outbox.ts';
import { parseMailbox } from './mime.ts';
import type { Provider } from './provider.ts';
import { createPushOutbox } from './push-outbox.ts';
import { createSmtpProvider } from './smtp.ts';
import { parseSmtpUrl } from './smtp-url.ts';

/**
 * The provider of each queue: SMTP when it is set, else files in `DATA_DIR/outbox`.
 *
 * @throws ConfigError when `SMTP_URL` or `EMAIL_FROM` cannot be read, before anything is started.
 */
export function chooseProvider(
  config: Pick<Config, 'DATA_DIR' | 'SMTP_URL' | 'EMAIL_FROM'>,
): (queue: QueueName) => Provider {
  const faults = [
    ...faultsOf('SMTP_URL', () => config.SMTP_URL !== undefined && parseSmtpUrl(config.SMTP_URL)),
    ...faultsOf('EMAIL_FROM', () => parseMailbox(config.EMAIL_FROM)),
  ];
  if (faults.length > 0) throw new ConfigError(faults);
  const outbox = join(config.DATA_DIR, 'outbox');
  const from = config.EMAIL_FROM;
  return (queue) => {
    if (queue === 'push' || queue === 'push-critical') {
      return createPushOutbox({ dir: join(outbox, 'push') }) as Provider;
    }
    if (config.SMTP_URL === undefined) return createEmailOutbox({ dir: outbox, from }) as Provider;
    return createSmtpProvider({ url: config.SMTP_URL, from }) as Provider;
  };
}

function faultsOf(name: string, read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    return [`${name}: ${error instanceof Error ? error.message : String(error)}`];
  }
}
