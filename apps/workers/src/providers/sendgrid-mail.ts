import { parseMailbox } from './mime.ts';
import { type Mailbox, oneLine } from './mime-header.ts';
import type { Attachment, Delivery, RenderedEmail } from './provider.ts';

/** SendGrid takes ten categories of a mail, of at most 255 characters each. */
const maxCategories = 10;
const maxCategoryLength = 255;

/**
 * The body of `POST /v3/mail/send` (SendGrid, "Mail Send"). There is no idempotency key, so every copy is the same
 * to the octet and has the message's own id as Message-ID, by which receivers can recognise a second one. What
 * SendGrid says later about the mail has the id too, among its custom arguments.
 */
export function composeSendGridMail(delivery: Delivery<RenderedEmail>, from: Mailbox): string {
  const { messageId, address, toName, content } = delivery;
  const { replyTo = [], attachments = [], tags = [] } = content;
  const replyTos = replyTo.map((mailbox) => personOf(parseMailbox(mailbox)));
  return JSON.stringify({
    personalizations: [
      {
        to: [personOf({ address, name: oneLine(toName ?? '') })],
        custom_args: { tidings_message_id: messageId },
      },
    ],
    from: personOf(from),
    ...(replyTos.length === 1 && { reply_to: replyTos[0] }),
    ...(replyTos.length > 1 && { reply_to_list: replyTos }),
    subject: oneLine(content.subject),
    content: partsOf(content),
    ...(attachments.length > 0 && { attachments: attachments.map(attachmentOf) }),
    ...(tags.length > 0 && { categories: categoriesOf(tags) }),
    headers: headersOf(messageId, from, content),
  });
}

function personOf({ address, name }: Mailbox): { email: string; name?: string } {
  return { email: address, ...(name && { name }) };
}

/** Text before HTML, as SendGrid demands; no part may be empty. */
function partsOf({ text, html }: RenderedEmail): { type: string; value: string }[] {
  const parts = [
    { type: 'text/plain', value: text ?? '' },
    { type: 'text/html', value: html ?? '' },
  ].filter(({ value }) => value !== '');
  return parts.length > 0 ? parts : [{ type: 'text/plain', value: ' ' }];
}

function attachmentOf({ filename, contentType, content, contentId }: Attachment): object {
  return {
    content,
    filename,
    type: contentType,
    ...(contentId === undefined
      ? { disposition: 'attachment' }
      : { disposition: 'inline', content_id: contentId }),
  };
}

function categoriesOf(tags: readonly string[]): string[] {
  return [...new Set(tags.map((tag) => tag.slice(0, maxCategoryLength)))].slice(0, maxCategories);
}

function headersOf(messageId: string, from: Mailbox, content: RenderedEmail): Record<string, string> {
  const { headers = [], unsubscribeUrl } = content;
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1);
  return {
    ...Object.fromEntries(headers.map(({ name, value }) => [name, oneLine(value)])),
    'Message-ID': `<${messageId}@${domain}>`,
    // RFC 8058 §3.1: the two together, and a POST of exactly that.
    ...(unsubscribeUrl !== undefined && {
      'List-Unsubscribe': `<${unsubscribeUrl}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    }),
  };
}
