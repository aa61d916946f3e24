import type { MessageStatus } from '@tidings/contracts';
import type { TestRecord } from './record.ts';

/** One change of a message's status. */
export interface StatusMove {
  before: MessageStatus;
  after: MessageStatus;
}

const onSqlite = `
  CREATE TRIGGER status_moved AFTER UPDATE OF status ON messages WHEN old.status <> new.status BEGIN
    INSERT INTO status_moves VALUES (old.status, new.status);
  END`;

const onPostgres = `
  CREATE FUNCTION status_moved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO status_moves VALUES (old.status, new.status);
    RETURN NULL;
  END $$;
  CREATE TRIGGER status_moved AFTER UPDATE OF status ON messages FOR EACH ROW
    WHEN (old.status <> new.status) EXECUTE FUNCTION status_moved()`;

/** Has the database itself note every change of a status, whoever makes it; answers how to read them. */
export async function watchStatuses({ database, query }: TestRecord): Promise<() => Promise<StatusMove[]>> {
  await query('CREATE TABLE status_moves (before TEXT NOT NULL, after TEXT NOT NULL)');
  await query(database.dialect === 'sqlite' ? onSqlite : onPostgres);
  return async () => (await query('SELECT DISTINCT before, after FROM status_moves')) as StatusMove[];
}
