import { createDkimSigner, type DkimKey } from './dkim.ts';
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

/** Who sends, and what shows that it was them. */
export interface EmailSender {
  /** A mailbox such as `Acme <hello@acme.example>`. */
  from: string;
  /** Without one nothing is signed. */
  dkim?: DkimKey;
}

/** @throws at once when `from` is not one mailbox or the key cannot be used */
export function createEmailComposer({ from, dkim }: EmailSender): EmailComposer {
  const sender = parseMailbox(from);
  const sign = dkim && createDkimSigner(dkim);

  async function composeUnsigned(delivery: Delivery<RenderedEmail>): Promise<Buffer> {
    const { messageId, address: to, toName, date, content } = delivery;
    const email = { messageId, from: sender, to, toName, date };
    const { attachments, ...others } = content;
    return attachments?.length
      ? composeWithAttachments({ ...email, content })
      : composeEmail({ ...email, content: others });
  }

  return {
    sender,
    compose: sign ? async (delivery) => sign(await composeUnsigned(delivery)) : composeUnsigned,
  };
}
