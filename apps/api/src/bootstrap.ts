import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { scopes } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { hashApiKey } from './auth/api-keys.ts';
import { addDefaultTemplates } from './templates/default-templates.ts';

/** The first key of a project and where it came from. */
export interface BootstrapKey {
  key: string;
  source: 'environment' | 'file' | 'generated';
}

/**
 * Makes what a first start needs: the project `default`, its templates, and an API key: the one given, or else
 * one that is generated once and kept in `DATA_DIR/api-key`, readable by its owner only. A key given here
 * takes the place of the one before it.
 *
 * The record may go away again just after it was opened: then it is waited for here too, for `waitMs`.
 */
export async function bootstrap(options: {
  store: Store;
  dataDir: string;
  apiKey?: string;
  waitMs?: number;
}): Promise<BootstrapKey> {
  const { store, dataDir, apiKey, waitMs = 30_000 } = options;
  const found =
    apiKey === undefined ? await ownKey(dataDir) : { key: apiKey, source: 'environment' as const };
  const giveUp = performance.now() + waitMs;
  for (;;) {
    try {
      await storeWhatIsNeeded(store, found.key);
      return found;
    } catch (error) {
      if (!store.isOutage(error) || performance.now() > giveUp) throw error;
      await delay(250);
    }
  }
}

/** May be done again, whatever of it was done before. */
async function storeWhatIsNeeded(store: Store, key: string): Promise<void> {
  const projectId = await store.ensureProject({ id: newId('project'), key: 'default' });
  await addDefaultTemplates(store, projectId);
  const [, id = ''] = key.split('_');
  await store.putOnlyApiKey({
    id,
    projectId,
    name: 'bootstrap',
    secretHash: hashApiKey(key),
    scopes: [...scopes],
  });
}

async function ownKey(dataDir: string): Promise<BootstrapKey> {
  const path = join(dataDir, 'api-key');
  const key = `tk_${randomBytes(6).toString('hex')}_${randomBytes(32).toString('base64url')}`;
  try {
    await writeFile(path, `${key}\n`, { mode: 0o600, flag: 'wx' });
    return { key, source: 'generated' };
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error;
    return { key: (await readFile(path, 'utf8')).trim(), source: 'file' };
  }
}
