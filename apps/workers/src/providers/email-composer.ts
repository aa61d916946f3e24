import { composeEmail, parseMailbox } from './mime.ts';
import { composeWithAttachments } from './mime-attachments.ts';
import type { Mailbox } from './mime-header.ts';
import type { Delivery, RenderedEmail } from './provider.ts';

/** Makes the e-mails of one sender. */
export interface EmailComposer {
  sender: Mailbox;
  /** The octets of a delivery's e-mail, the same for every copy. */
  compose(delivery: Delivery<RenderedEmail>): Promise<Buffer>;
}

/**
 * `from` is a mailbox such as `Acme <hello@acme.example>`.
 *
 * @throws at once when it is not one mailbox
 */
export function createEmailComposer({ from }: { from: string }): EmailComposer {
  const sender = parseMailbox(from);
  return {
    sender,
    async compose({ messageId, address: to, toName, date, content }) {
      const email = { messageId, from: sender, to, toName, date };
      const { attachments, ...others } = content;
      return attachments?.length
        ? composeWithAttachments({ ...email, content })
        : composeEmail({ ...email, content: others });
    },
  };
}
