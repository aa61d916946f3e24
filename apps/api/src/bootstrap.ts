import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scopes } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { defaultTemplates } from '@tidings/templates';
import { hashApiKey } from './principal.ts';

/** The first key of a project and where it came from. */
export interface BootstrapKey {
  key: string;
  source: 'environment' | 'file' | 'generated';
}

/**
 * Makes what a first start needs: the project `default`, its templates, and an API key: the one given, or else
 * one that is generated once and kept in `DATA_DIR/api-key`, readable by its owner only. A key given here
 * takes the place of the one before it.
 */
export async function bootstrap(options: {
  store: Store;
  dataDir: string;
  apiKey?: string;
}): Promise<BootstrapKey> {
  const { store, dataDir, apiKey } = options;
  const projectId = await store.ensureProject({ id: newId('project'), key: 'default' });
  for (const template of defaultTemplates) {
    await store.addTemplate(projectId, { ...template, id: newId('template') });
  }
  const found =
    apiKey === undefined ? await ownKey(dataDir) : { key: apiKey, source: 'environment' as const };
  const [, id = ''] = found.key.split('_');
  await store.putOnlyApiKey({
    id,
    projectId,
    name: 'bootstrap',
    secretHash: hashApiKey(found.key),
    scopes: [...scopes],
  });
  return found;
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
