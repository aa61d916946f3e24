import { createEmailComposer } from './email-composer.ts';
import { isOutboxWritable, putIntoOutbox } from './outbox-file.ts';
import type { Provider, RenderedEmail } from './provider.ts';

/**
 * Captures e-mail as `<dir>/<messageId>.eml`, the same octets SMTP would carry, for any mail program to read.
 *
 * @throws at once when `from` is not one mailbox
 */
export function createEmailOutbox({ dir, from }: { dir: string; from: string }): Provider<RenderedEmail> {
  const { compose } = createEmailComposer({ from });
  return {
    name: 'email-outbox',
    send: async (delivery) => putIntoOutbox(dir, `${delivery.messageId}.eml`, await compose(delivery)),
    probe: () => isOutboxWritable(dir),
    close: async () => {},
  };
}
