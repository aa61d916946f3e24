import type { Accept } from '@tidings/accept';
import { type ChannelContent, type SendInput, TidingsError, testSendTemplate } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { pickLocale, type Schemas } from '@tidings/templates';
import { mutation } from '../operations.ts';
import { revisionOf, schemaOf } from './version-of.ts';
import type { Workshop } from './workshop.ts';

/** `templates.testSend`: a notification like any other, with the version's content in it instead of its id. */
export const testSend = ({
  store,
  accept,
  workshop,
  schemas,
}: {
  store: Store;
  accept: Accept;
  workshop: Workshop;
  schemas: Schemas;
}) =>
  mutation(testSendTemplate, async ({ key, version, to, locale, data }, { principal, headers }) => {
    const { projectId } = principal;
    const { shown } = await workshop.find(projectId, key, version);
    const { content } = await workshop.rendered(shown);
    const faults = schemas.check(`${shown.id} ${revisionOf(shown)}`, schemaOf(shown))(data);
    if (faults.length > 0) throw new TidingsError('invalid_variables', { errors: faults });
    const [defaultLocale, known] = await Promise.all([
      store.defaultLocaleOf(projectId),
      'recipientId' in to ? store.findRecipient(projectId, to.recipientId) : undefined,
    ]);
    const wanted = locale ?? known?.recipient.locale ?? null;
    const pick = (channel: 'email' | 'push') => pickLocale(content, channel, wanted, defaultLocale) ?? '';
    const [email, push] = [content[pick('email')]?.email, content[pick('push')]?.push];
    const inline: ChannelContent = {
      ...(email !== undefined &&
        !('device' in to) && { email: { ...email, subject: `[Test] ${email.subject}` } }),
      ...(push !== undefined && !('email' in to) && { push: { ...push, title: `[Test] ${push.title}` } }),
    };
    if (inline.email === undefined && inline.push === undefined) {
      throw new TidingsError('channel_without_content', {
        errors: [{ pointer: '/to', detail: 'there is no content for this kind of address' }],
      });
    }
    const input: SendInput = {
      to,
      content: inline,
      data,
      // As which the worker renders it.
      locale: pick(inline.email === undefined ? 'push' : 'email'),
      lane: 'normal',
      category: shown.category ?? undefined,
      metadata: { test: true, template: key, version: shown.version },
    };
    const { answer } = await accept(projectId, input);
    headers.location = `/v1/notifications/${answer.id}`;
    return answer;
  });
