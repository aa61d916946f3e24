import { z } from 'zod';
import { pushData, pushUrl } from './push-extras.ts';
import { freeText } from './text.ts';

/** An e-mail's content: Liquid templates. HTML is escaped, text and subject are not. */
export const emailContent = z
  .strictObject({
    subject: freeText(998).min(1),
    html: freeText(512 * 1024).optional(),
    text: freeText(512 * 1024).optional(),
  })
  .refine((content) => content.html !== undefined || content.text !== undefined, {
    message: 'needs html, text or both',
  });
export type EmailContent = z.infer<typeof emailContent>;

/** A push message's content: Liquid templates. */
export const pushContent = z.strictObject({
  title: freeText(1024).min(1),
  body: freeText(4096).min(1),
  url: pushUrl.optional(),
  data: pushData.optional(),
});
export type PushContent = z.infer<typeof pushContent>;

/** A push message's content as it is handed over, in answers. */
export const renderedPush = z.strictObject({
  title: z.string(),
  body: z.string(),
  url: z.string().nullable(),
  data: z.record(z.string(), z.string()),
});

/** Content by channel. At least one channel. */
export const channelContent = z
  .strictObject({ email: emailContent.optional(), push: pushContent.optional() })
  .refine((content) => content.email !== undefined || content.push !== undefined, {
    message: 'needs content for email, push or both',
  })
  .meta({ examples: [{ push: { title: 'On its way', body: 'Order {{ order }} has left.' } }] });
export type ChannelContent = z.infer<typeof channelContent>;

/** What the variables of versions from before there were schemas must be; read as a JSON Schema now. */
export type VariableKind = 'string' | 'url';

/** What to do when it is not known whether an attempt delivered: send again, or stop as `unknown`. */
export const onAmbiguousKinds = ['resend', 'hold'] as const;
export type OnAmbiguous = (typeof onAmbiguousKinds)[number];

/** What a version of a template renders for one locale: its parts taken in, its MJML compiled. */
export interface CompiledContent {
  email?: EmailContent & {
    /** There is no text of its own: it is made from the HTML when a message is rendered. */
    textFromHtml?: true;
  };
  push?: PushContent;
}
