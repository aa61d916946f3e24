import { isOutboxWritable, putIntoOutbox } from './outbox-file.ts';
import type { Provider, RenderedPush } from './provider.ts';

/** Captures push messages as `<dir>/<messageId>.json`. */
export function createPushOutbox({ dir }: { dir: string }): Provider<RenderedPush> {
  return {
    name: 'push-outbox',
    send: ({ messageId, platform, address, date, content }) => {
      const push = {
        messageId,
        platform,
        token: address,
        title: content.title,
        body: content.body,
        ...(content.url !== undefined && { url: content.url }),
        ...(content.data !== undefined && { data: content.data }),
        date: new Date(date).toISOString(),
      };
      return putIntoOutbox(dir, `${messageId}.json`, `${JSON.stringify(push, null, 2)}\n`);
    },
    probe: () => isOutboxWritable(dir),
    close: async () => {},
  };
}
