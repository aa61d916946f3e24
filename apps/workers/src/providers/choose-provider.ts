import { join } from 'node:path';
import type { QueueName } from '@tidings/contracts';
import type { Config } from '@tidings/runtime';
import { createEmailOutbox } from './email-outbox.ts';
import type { Provider } from './provider.ts';
import { createPushOutbox } from './push-outbox.ts';
import { createSmtpProvider } from './smtp.ts';

/** The provider of each queue: SMTP when it is set, else files in `DATA_DIR/outbox`. */
export function chooseProvider(
  config: Pick<Config, 'DATA_DIR' | 'SMTP_URL' | 'EMAIL_FROM'>,
): (queue: QueueName) => Provider {
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
