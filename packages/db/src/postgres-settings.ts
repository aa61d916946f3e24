/** The settings of a server that P1 stands on, and what a Postgres must be to hold the record. */
const settings = `
  SELECT current_setting('fsync') AS fsync,
         current_setting('synchronous_commit') AS synchronous_commit,
         current_setting('full_page_writes') AS full_page_writes,
         current_setting('server_encoding') AS server_encoding,
         current_setting('server_version_num')::int AS version,
         pg_is_in_recovery() AS in_recovery`;

/**
 * What is unsafe about a server, a sentence for each fault, with what to do about it; nothing when all is
 * well. `synchronous_commit` is read as our own sessions have it: a role or database may have its own.
 */
export async function postgresFaults(pool: {
  query(text: string): Promise<{ rows: unknown[] }>;
}): Promise<string[]> {
  const { rows } = await pool.query(settings);
  const found = (rows[0] ?? {}) as Record<string, string | number | boolean>;
  const faults: Array<[fault: boolean, words: string]> = [
    [found.fsync !== 'on', 'Postgres has fsync off: a crash can corrupt everything. Set fsync = on.'],
    [
      found.synchronous_commit === 'off',
      'Postgres has synchronous_commit off: a crash loses what was accepted. Set synchronous_commit = on.',
    ],
    [
      found.full_page_writes !== 'on',
      'Postgres has full_page_writes off: a crash can tear pages. Set full_page_writes = on.',
    ],
    [
      found.server_encoding !== 'UTF8',
      `The database is encoded in ${found.server_encoding}: create it with ENCODING 'UTF8'.`,
    ],
    [Number(found.version) < 150_000, 'Postgres is older than 15: use 15 or newer.'],
    [found.in_recovery === true, 'Postgres is a standby, which takes no writes: name the primary.'],
  ];
  return faults.flatMap(([fault, words]) => (fault ? [words] : []));
}
