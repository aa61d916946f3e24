import type { ChannelContent } from '@tidings/contracts';
import type { Claimed, Store, TemplateRow } from '@tidings/db';
import { pickLocale, renderEmail, renderPush, type TemplateEngine } from '@tidings/templates';
import type { ProviderResult, RenderedEmail, RenderedPush } from '../providers/provider.ts';

/** Renders what a claimed message says; a `ProviderResult` says why it cannot be said. */
export type Render = (claimed: Claimed) => Promise<RenderedEmail | RenderedPush | ProviderResult>;

const templatesAtMost = 1000;

/** Versions never change, so each is read from the record once. */
export function createRender(options: { store: Store; templates: TemplateEngine }): Render {
  const { store, templates } = options;
  const versions = new Map<string, TemplateRow>();

  async function versionOf(id: string): Promise<TemplateRow | undefined> {
    const known = versions.get(id);
    if (known !== undefined) return known;
    const row = await store.templateById(id);
    if (versions.size >= templatesAtMost) versions.clear();
    if (row !== undefined) versions.set(id, row);
    return row;
  }

  async function contentOf({ notification }: Claimed): Promise<ChannelContent | undefined> {
    if (notification.content !== null) return notification.content;
    const version = notification.templateId === null ? undefined : await versionOf(notification.templateId);
    return version && pickLocale(version.content, notification.locale);
  }

  return async (claimed) => {
    const { message, notification } = claimed;
    const content = await contentOf(claimed);
    try {
      if (message.channel === 'email' && content?.email !== undefined) {
        return { channel: 'email', ...renderEmail(templates, content.email, notification.data) };
      }
      if (message.channel === 'push' && content?.push !== undefined) {
        return { channel: 'push', ...renderPush(templates, content.push, notification.data) };
      }
    } catch (error) {
      const response = error instanceof Error ? error.message.split('\n')[0] : String(error);
      return { outcome: 'rejected', reason: 'render_failed', response };
    }
    return { outcome: 'rejected', reason: 'template_missing' };
  };
}
