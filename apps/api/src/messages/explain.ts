import { explainMessage, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { chooseLocale } from '@tidings/templates';
import { query } from '../operations.ts';
import { explanationOf, type UsedVersion } from './explanation.ts';

/** `messages.explain`. */
export const explain = (store: Store) =>
  query(explainMessage, async ({ id }, { principal: { projectId } }) => {
    const found = await store.getMessage(projectId, id);
    const known = found && (await store.getNotification(projectId, found.message.notificationId));
    if (found === undefined || known === undefined) throw new TidingsError('not_found');
    const { message, replays } = found;
    const { notification } = known;
    const ids = [notification, ...replays].flatMap(({ templateId }) => templateId ?? []);
    const versions = new Map<string, UsedVersion>();
    for (const templateId of new Set(ids)) {
      const version = await store.templateById(templateId);
      if (version === undefined) continue;
      const { content, defaultLocale } = version;
      const chosen = chooseLocale(content, message.channel, notification.locale, defaultLocale);
      versions.set(templateId, { version: version.version, chosen });
    }
    return {
      id,
      status: message.status,
      reason: message.reason,
      decisions: explanationOf({ found, notification, versions }),
    };
  });
