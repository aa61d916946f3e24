import { composeEmail, parseMailbox } from './mime.ts';
import { isOutboxWritable, putIntoOutbox } from './outbox-file.ts';
import type { Provider, RenderedEmail } from './provider.ts';

/**
 * Captures e-mail as `<dir>/<messageId>.eml`, the same octets SMTP would carry, for any mail program to read.
 *
 * @throws at once when `from` is not one mailbox
 */
export function createEmailOutbox({ dir, from }: { dir: string; from: string }): Provider<RenderedEmail> {
  const sender = parseMailbox(from);
  return {
    name: 'email-outbox',
    send: async ({ messageId, address: to, toName, date, content }) => {
      const raw = composeEmail({ messageId, from: sender, to, toName, date, content });
      return putIntoOutbox(dir, `${messageId}.eml`, raw);
    },
    probe: () => isOutboxWritable(dir),
    close: async () => {},
  };
}
