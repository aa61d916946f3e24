import { createEmailComposer, type EmailSender } from './email-composer.ts';
import { isOutboxWritable, putIntoOutbox } from './outbox-file.ts';
import type { Provider, RenderedEmail } from './provider.ts';

/**
 * Captures e-mail as `<dir>/<messageId>.eml`, the same octets SMTP would carry, for any mail program to read.
 *
 * @throws at once when `from` or `dkim` cannot be used
 */
export function createEmailOutbox({
  dir,
  from,
  dkim,
}: EmailSender & { dir: string }): Provider<RenderedEmail> {
  const { compose } = createEmailComposer({ from, dkim });
  return {
    name: 'email-outbox',
    send: async (delivery) => putIntoOutbox(dir, `${delivery.messageId}.eml`, await compose(delivery)),
    probe: () => isOutboxWritable(dir),
    close: async () => {},
  };
}
