import pg from 'pg';
import { expect, test } from 'vitest';
import { startChild } from '../support/child.ts';
import { postgresAvailable, startPostgres } from '../support/postgres-server.ts';
import { tempDir } from '../support/temp-dir.ts';

test.skipIf(!postgresAvailable)(
  'a start that fails says why, and shows no value of the statement that failed',
  async () => {
    const dir = tempDir();
    const postgres = await startPostgres();
    const key = 'tk_0123456789ab_0123456789abcdef0123456789abcdef';
    const start = () =>
      startChild(['tidings.mjs', 'api'], {
        DATA_DIR: dir.path,
        DATABASE_URL: postgres.url(),
        PORT: '0',
        TIDINGS_API_KEY: key,
      });
    const first = start();
    await first.printed(/"msg":"ready"/);
    await first.end('SIGTERM');
    const client = new pg.Client(postgres.url());
    await client.connect();
    await client.query('ALTER TABLE api_keys DROP COLUMN name');
    await client.end();
    const second = start();
    expect(await second.exited).toBe(1);
    expect(second.output()).toContain('Failed query');
    expect(second.output()).toMatch(/Caused by error: column "name" .*does not exist/);
    // The hash of the key is among them.
    expect(second.output()).not.toMatch(/params|[0-9a-f]{64}/);
    await postgres.stop();
    dir.remove();
  },
);
