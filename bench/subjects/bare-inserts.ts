import { join } from 'node:path';
import { newId } from '@tidings/runtime';
import Sqlite from 'better-sqlite3';

const perCommit = 500;
/** Rows of one statement: its text has a place for each value, and SQLite binds at most 32,766. */
const perStatement = 100;

/**
 * What SQLite itself makes of the rows of an accept: the same tables with their indexes, FULL, prepared multi-row
 * statements, 500 notifications with a message each in one commit, and nothing else. Answers the milliseconds.
 */
export function insertBare(options: { dataDir: string; projectId: string; count: number }): number {
  const { dataDir, projectId, count } = options;
  const db = new Sqlite(join(dataDir, 'tidings.db'));
  db.pragma('synchronous = 2');
  db.pragma('foreign_keys = 1');
  const now = Date.now();
  const expiresAt = now + 72 * 3_600_000;
  const columns = {
    notifications: [
      'id',
      'project_id',
      'template_key',
      'template_version',
      'data',
      'metadata',
      'lane',
      'category',
      'expires_at',
      'answer',
      'created_at',
    ],
    messages: [
      'id',
      'notification_id',
      'project_id',
      'channel',
      'lane',
      'status',
      'address',
      'on_ambiguous',
      'place',
      'due_at',
      'expires_at',
      'created_at',
    ],
  };
  const prepare = (table: keyof typeof columns) => {
    const places = `(${columns[table].map(() => '?').join(', ')})`;
    const rows = Array.from({ length: perStatement }, () => places).join(', ');
    return db.prepare(`insert into ${table} (${columns[table].join(', ')}) values ${rows}`);
  };
  const [intoNotifications, intoMessages] = [prepare('notifications'), prepare('messages')];
  const commit = db.transaction((from: number) => {
    for (let at = from; at < from + perCommit; at += perStatement) {
      const notifications: unknown[] = [];
      const messages: unknown[] = [];
      for (let index = at; index < at + perStatement; index += 1) {
        const id = newId('notification');
        const messageId = newId('message');
        const data = JSON.stringify({ name: `User ${index}`, link: 'https://example.com/confirm' });
        const answer = JSON.stringify({
          id,
          status: 'accepted',
          messages: [{ id: messageId, channel: 'email', status: 'queued' }],
        });
        notifications.push(
          id,
          projectId,
          'welcome_email',
          1,
          data,
          '{}',
          'normal',
          'onboarding',
          expiresAt,
          answer,
          now,
        );
        messages.push(
          messageId,
          id,
          projectId,
          'email',
          'normal',
          'queued',
          `user${index}@example.com`,
          'resend',
          'store',
          now,
          expiresAt,
          now,
        );
      }
      intoNotifications.run(notifications);
      intoMessages.run(messages);
    }
  });
  const startedAt = performance.now();
  for (let from = 0; from < count; from += perCommit) commit.immediate(from);
  const ms = performance.now() - startedAt;
  db.close();
  return ms;
}
