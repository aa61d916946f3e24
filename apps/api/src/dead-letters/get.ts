import { deadStatuses, getDeadLetter, type PreviewedContent, TidingsError } from '@tidings/contracts';
import type { MessageRow, NotificationRow, Store } from '@tidings/db';
import { chooseLocale, renderEmail, renderPush, type TemplateEngine } from '@tidings/templates';
import { viewMessage } from '../messages/get.ts';
import { query } from '../operations.ts';

/** `deadLetters.get`: what is on record, and what the message says. */
export const get = ({ store, engine }: { store: Store; engine: TemplateEngine }) =>
  query(getDeadLetter, async ({ id }, { principal: { projectId } }) => {
    const found = await store.getMessage(projectId, id);
    const isDead = (deadStatuses as readonly string[]).includes(found?.message.status ?? '');
    if (found === undefined || !isDead) throw new TidingsError('not_found');
    const { message } = found;
    const known = await store.getNotification(projectId, message.notificationId);
    if (known === undefined) throw new TidingsError('not_found');
    const { notification } = known;
    return {
      ...viewMessage(found),
      template: notification.templateKey,
      templateVersion: notification.templateVersion,
      category: notification.category,
      recipientId: notification.recipientId,
      content: await previewOf({ store, engine }, message, notification),
    };
  });

/** What a worker would hand over if it was replayed as it was accepted. */
async function previewOf(
  { store, engine }: { store: Store; engine: TemplateEngine },
  { channel }: MessageRow,
  { content: inline, templateId, data, locale: wanted, payloadRemovedAt }: NotificationRow,
): Promise<PreviewedContent> {
  const none = { locale: null, email: null, push: null };
  if (payloadRemovedAt !== null) return { ...none, fault: 'What it said is gone' };
  const version = templateId === null ? undefined : await store.templateById(templateId);
  const chosen = version && chooseLocale(version.content, channel, wanted, version.defaultLocale);
  const content = inline ?? version?.content[chosen?.locale ?? ''];
  const locale = inline === null ? chosen?.locale : (wanted ?? undefined);
  try {
    if (channel === 'email' && content?.email !== undefined) {
      const { subject, html = null, text = null } = renderEmail(engine, content.email, data, locale);
      return { ...none, locale: locale ?? null, email: { subject, html, text }, fault: null };
    }
    if (channel === 'push' && content?.push !== undefined) {
      const push = { url: null, data: {}, ...renderPush(engine, content.push, data, locale) };
      return { ...none, locale: locale ?? null, push, fault: null };
    }
    return { ...none, fault: 'There is no content for its channel' };
  } catch (error) {
    const detail = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { ...none, fault: `It cannot be rendered: ${detail}` };
  }
}
