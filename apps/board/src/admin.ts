import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '@tidings/runtime';

/** Who may log in to the board, and where the password came from. */
export interface Admin {
  email: string;
  password: string;
  source: 'environment' | 'file' | 'generated';
}

/** The password's file in the data directory. */
export const passwordFile = 'admin-password';

const minLength = 12;

/**
 * The login of the board: the one that is given, or else a password that is generated once and kept in
 * `DATA_DIR/admin-password`, readable by its owner only. The directory must be there.
 *
 * @throws ConfigError when the file holds no password: an empty one would let everybody in.
 */
export async function findAdmin(options: {
  dataDir: string;
  email?: string;
  password?: string;
}): Promise<Admin> {
  const { dataDir, email = 'admin@localhost', password } = options;
  if (password !== undefined) return { email, password, source: 'environment' };
  const path = join(dataDir, passwordFile);
  const generated = randomBytes(18).toString('base64url');
  try {
    await writeFile(path, `${generated}\n`, { mode: 0o600, flag: 'wx' });
    return { email, password: generated, source: 'generated' };
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error;
  }
  const kept = (await readFile(path, 'utf8')).trim();
  if (kept.length < minLength) {
    throw new ConfigError([
      `ADMIN_PASSWORD: ${path} holds fewer than ${minLength} characters; remove it to have a new one made`,
    ]);
  }
  return { email, password: kept, source: 'file' };
}
