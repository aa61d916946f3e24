import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { getTableColumns } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { afterAll, describe, expect, test } from 'vitest';
import { everyDialectKeepsTheContracts } from './every-dialect.contract.ts';
import { holdLock, LockHeldError, openDatabase, openSqlite } from './index.ts';
import { tables as pgTables } from './schema/pg.ts';
import { tables as sqliteTables } from './schema/sqlite.ts';

const dir = mkdtempSync(join(tmpdir(), 'tidings-db-'));
afterAll(() => rmSync(dir, { recursive: true }));
const freshPath = () => join(dir, `${randomUUID()}.db`);

everyDialectKeepsTheContracts('SQLite', async () => openSqlite({ path: freshPath() }));

describe('SQLite', () => {
  test('what there was before there were drafts is published, and the newest version of each in use', () => {
    const record = new Sqlite(':memory:');
    const folder = new URL('../migrations/sqlite/', import.meta.url);
    const apply = (name: string) => record.exec(readFileSync(new URL(name, folder), 'utf8'));
    const files = readdirSync(folder)
      .filter((name) => name.endsWith('.sql'))
      .sort();
    for (const name of files.slice(0, 4)) apply(name);
    record.exec("INSERT INTO projects (id, key, created_at) VALUES ('p', 'default', 1)");
    for (const [id, key, version] of [
      ['a1', 'a', 1],
      ['a2', 'a', 2],
      ['b1', 'b', 1],
    ]) {
      record
        .prepare(
          "INSERT INTO templates (id, project_id, key, version, on_ambiguous, variables, content, created_at) VALUES (?, 'p', ?, ?, 'resend', '{}', '{}', 7)",
        )
        .run(id, key, version);
    }
    for (const name of files.slice(4)) apply(name);
    expect(
      record.prepare('SELECT key, template_id AS id FROM published_templates ORDER BY key').all(),
    ).toEqual([
      { key: 'a', id: 'a2' },
      { key: 'b', id: 'b1' },
    ]);
    expect(record.prepare('SELECT DISTINCT published_at AS at FROM templates').all()).toEqual([{ at: 7 }]);
    record.close();
  });

  test('an accept is durable: WAL with synchronous FULL, read back at the start', async () => {
    const database = openSqlite({ path: freshPath() });
    const pragma = (name: string) =>
      (
        database.handle as unknown as { $client: { pragma(name: string, o: object): unknown } }
      ).$client.pragma(name, { simple: true });
    expect(pragma('journal_mode')).toBe('wal');
    expect(pragma('synchronous')).toBe(2);
    expect(pragma('foreign_keys')).toBe(1);
    await database.close();
  });

  test('the record may be elsewhere than the data directory, which is made all the same', async () => {
    const [record, dataDir] = [freshPath(), join(dir, 'data', 'deep')];
    await (await openDatabase({ DATABASE_URL: `file:${record}`, DATA_DIR: dataDir })).close();
    expect([existsSync(record), existsSync(dataDir), existsSync(join(dataDir, 'tidings.db'))]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('a file can be opened again, with its schema in place', async () => {
    const path = freshPath();
    await openSqlite({ path }).close();
    await openSqlite({ path }).close();
  });

  test('several processes may bring one file up to date at once: each finds the schema in place', async () => {
    const path = freshPath();
    const older = new Sqlite(path);
    older.pragma('journal_mode = wal');
    older.exec(
      'CREATE TABLE __drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)',
    );
    older.close();
    const program = `
      const { openSqlite } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
      console.log('loaded');
      process.stdin.once('data', async () => {
        const database = openSqlite({ path: ${JSON.stringify(path)} });
        await database.close();
        process.exit(0);
      });`;
    const children = Array.from({ length: 8 }, () =>
      spawn(process.execPath, ['--input-type=module', '--eval', program], {
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    );
    await Promise.all(children.map(({ stdout }) => once(stdout, 'data')));
    const exits = children.map((child) => once(child, 'exit'));
    for (const { stdin } of children) stdin.write('go');
    expect((await Promise.all(exits)).map(([code]) => code)).toEqual(children.map(() => 0));
    const database = openSqlite({ path });
    expect(await database.handle.select().from(database.tables.projects)).toEqual([]);
    await database.close();
  });

  test('a lock keeps a second holder out, says who has it, and is free again afterwards', () => {
    const path = join(dir, 'some.lock');
    const lock = holdLock({ path, about: 'the first' });
    expect(() => holdLock({ path })).toThrow(LockHeldError);
    expect(() => holdLock({ path })).toThrow(/the first/);
    lock.release();
    holdLock({ path }).release();
  });
});

test('both dialects have the same tables, columns and constraints', () => {
  const shape = (tables: object) =>
    Object.entries(tables).map(([name, table]) => [
      name,
      Object.entries(getTableColumns(table as SQLiteTable)).map(([key, column]) => [
        key,
        column.name,
        column.notNull,
        column.primary,
        column.hasDefault,
      ]),
    ]);
  expect(shape(pgTables)).toEqual(shape(sqliteTables));
});
