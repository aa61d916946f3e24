import type { CompiledContent } from '@tidings/contracts';
import type { Claimed, RenderedVersion, Store } from '@tidings/db';
import {
  pickLocale,
  RenderTimeLimit,
  renderEmail,
  renderPush,
  type TemplateEngine,
} from '@tidings/templates';
import type { ProviderResult, RenderedEmail, RenderedPush } from '../providers/provider.ts';
import type { UnsubscribeUrlOf } from './unsubscribing.ts';

/** Renders what a claimed message says; a `ProviderResult` says why it cannot be said. */
export type Render = (claimed: Claimed) => Promise<RenderedEmail | RenderedPush | ProviderResult>;

const templatesAtMost = 1000;

const nowhere: UnsubscribeUrlOf = async () => undefined;

/**
 * Versions never change, so each is read from the record once; but for the project's locale, which comes with
 * it and is as old as `cacheMs` at most.
 */
export function createRender(options: {
  store: Store;
  templates: TemplateEngine;
  unsubscribeUrlOf?: UnsubscribeUrlOf;
  cacheMs?: number;
}): Render {
  const { store, templates, unsubscribeUrlOf = nowhere, cacheMs = 60_000 } = options;
  const versions = new Map<string, { version: RenderedVersion; until: number }>();

  async function versionOf(id: string): Promise<RenderedVersion | undefined> {
    const known = versions.get(id);
    if (known !== undefined && known.until > performance.now()) return known.version;
    const version = await store.templateById(id);
    if (versions.size >= templatesAtMost) versions.clear();
    if (version !== undefined) versions.set(id, { version, until: performance.now() + cacheMs });
    return version;
  }

  /** What is to be rendered, and in which locale; inline content is in that of the notification. */
  async function contentOf({
    message,
    notification,
  }: Claimed): Promise<{ content: CompiledContent; locale: string | undefined } | undefined> {
    if (notification.content !== null) {
      return { content: notification.content, locale: notification.locale ?? undefined };
    }
    const templateId = message.templateId ?? notification.templateId;
    const version = templateId === null ? undefined : await versionOf(templateId);
    if (version === undefined) return undefined;
    const { content, defaultLocale } = version;
    const locale = pickLocale(content, message.channel, notification.locale, defaultLocale);
    const picked = locale === undefined ? undefined : content[locale];
    return picked && { content: picked, locale };
  }

  return async (claimed) => {
    const { message, notification } = claimed;
    const found = await contentOf(claimed);
    const unsubscribeUrl = await unsubscribeUrlOf(claimed);
    try {
      if (message.channel === 'email' && found?.content.email !== undefined) {
        return {
          channel: 'email',
          ...renderEmail(templates, found.content.email, notification.data, found.locale, unsubscribeUrl),
          ...notification.emailParts,
          ...(unsubscribeUrl !== undefined && { unsubscribeUrl }),
        };
      }
      if (message.channel === 'push' && found?.content.push !== undefined) {
        return {
          channel: 'push',
          ...renderPush(templates, found.content.push, notification.data, found.locale),
        };
      }
    } catch (error) {
      const response = error instanceof Error ? error.message.split('\n')[0] : String(error);
      // How long it takes is a matter of the machine too; all else would be the same next time.
      const outcome = error instanceof RenderTimeLimit ? 'transient' : 'rejected';
      return { outcome, reason: 'render_failed', response };
    }
    return { outcome: 'rejected', reason: 'template_missing' };
  };
}
