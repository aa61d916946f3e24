import { bootstrap } from '@tidings/api';
import type { Channel, Lane } from '@tidings/contracts';
import { createStore, openDatabase } from '@tidings/db';
import { newId } from '@tidings/runtime';

const perCommit = 500;

/** Puts templated messages into the record of `env`, due now and waiting in SQL, as an API without a queue would. */
export async function fillRecord(options: {
  env: { DATA_DIR: string; DATABASE_URL?: string };
  count: number;
  channel: Channel;
  lane?: Lane;
}): Promise<void> {
  const { env, count, channel, lane = 'normal' } = options;
  const database = await openDatabase(env);
  const store = createStore(database);
  const { key } = await bootstrap({ store, dataDir: env.DATA_DIR });
  const projectId = (await store.findApiKey(key.split('_')[1] ?? ''))?.projectId ?? '';
  const templateKey = `welcome_${channel}`;
  const template = await store.publishedTemplate(projectId, templateKey);
  const expiresAt = Date.now() + 72 * 3_600_000;

  function item(index: number) {
    const id = newId('notification');
    const address =
      channel === 'email' ? `user${index}@example.com` : `device-token-${index}`.padEnd(152, 'x');
    const message = { id: newId('message'), channel, status: 'queued' as const };
    return {
      notification: {
        id,
        projectId,
        templateId: template?.id ?? null,
        templateKey,
        templateVersion: 1,
        data: { name: `User ${index}`, link: 'https://example.com/confirm' },
        metadata: {},
        lane,
        category: 'onboarding',
        expiresAt,
        answer: { id, status: 'accepted' as const, messages: [message] },
      },
      messages: [
        {
          ...message,
          notificationId: id,
          projectId,
          lane,
          address,
          platform: channel === 'push' ? ('fcm' as const) : null,
          onAmbiguous: 'resend' as const,
          place: 'store' as const,
          expiresAt,
        },
      ],
    };
  }

  for (let from = 0; from < count; from += perCommit) {
    await store.accept(Array.from({ length: Math.min(perCommit, count - from) }, (_, at) => item(from + at)));
  }
  await database.close();
}
