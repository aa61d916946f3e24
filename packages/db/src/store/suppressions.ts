import { createHmac } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';

/**
 * One step of a commit: leaves a trace that cannot be read back: HMAC-SHA256 of each address, under a random key of
 * the project, `newKey` if it has none yet. The key is kept in the record and nowhere else: unlike the secrets of
 * tokens it never changes, every process has it, and the hashes of one project say nothing about another's. Whoever
 * has the whole record can still try out addresses.
 */
export function* recordSuppressions(options: {
  database: Database;
  db: Handle;
  projectId: string;
  emails: string[];
  tokens: string[];
  newKey: string;
}): Steps<void> {
  const { database, db, projectId, emails, tokens, newKey } = options;
  const { projects, suppressions } = database.tables;
  if (emails.length + tokens.length === 0) return;
  const [{ key } = { key: null }] = yield* rows(
    db
      .update(projects)
      .set({ suppressionKey: sql`coalesce(${projects.suppressionKey}, ${newKey})` })
      .where(eq(projects.id, projectId))
      .returning({ key: projects.suppressionKey }),
  );
  if (key === null) throw new Error(`project ${projectId} is missing`);
  const hashed = (channel: 'email' | 'push') => (address: string) => ({
    projectId,
    channel,
    addressHash: createHmac('sha256', key).update(`${channel}:${address}`).digest('hex'),
    reason: 'erased',
    createdAt: database.now,
  });
  yield* rows(
    db
      .insert(suppressions)
      .values([...emails.map(hashed('email')), ...tokens.map(hashed('push'))])
      .onConflictDoNothing()
      .returning({ reason: suppressions.reason }),
  );
}
