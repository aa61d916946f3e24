import { z } from 'zod';
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
});
export type PushContent = z.infer<typeof pushContent>;

/** Content by channel. At least one channel. */
export const channelContent = z
  .strictObject({ email: emailContent.optional(), push: pushContent.optional() })
  .refine((content) => content.email !== undefined || content.push !== undefined, {
    message: 'needs content for email, push or both',
  });
export type ChannelContent = z.infer<typeof channelContent>;

/** What a template's variable must be. `url` is an absolute http or https URL. */
export const variableKinds = ['string', 'url'] as const;
export type VariableKind = (typeof variableKinds)[number];

/** What to do when it is not known whether an attempt delivered: send again, or stop as `unknown`. */
export type OnAmbiguous = 'resend' | 'hold';

/** One version of a stored template: content by locale and channel, and what its data must hold. */
export interface TemplateVersion {
  key: string;
  version: number;
  category: string | null;
  onAmbiguous: OnAmbiguous;
  /** Required variables by name. */
  variables: Record<string, VariableKind>;
  /** Content by locale. */
  content: Record<string, ChannelContent>;
}
