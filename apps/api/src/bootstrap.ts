import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { defaultProjectKey, scopes } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { hashApiKey } from './auth/api-keys.ts';
import { createPasswords } from './auth/passwords.ts';
import { instanceChange } from './operations.ts';
import { addDefaultTemplates } from './templates/default-templates.ts';

/** The first key of a project and where it came from. */
export interface BootstrapKey {
  key: string;
  source: 'environment' | 'file' | 'generated';
}

/** Who owns the instance from its first start. */
export interface FirstOwner {
  email: string;
  password: string;
}

/**
 * Makes what a first start needs: the project `default`, its templates, and an API key: the one given, or else
 * one that is generated once and kept in `DATA_DIR/api-key`, readable by its owner only. A key given here
 * takes the place of the one before it. With an `owner` given, an account of that role, unless its address has an
 * account already: a password that was changed stays changed.
 *
 * The record may go away again just after it was opened: then it is waited for here too, for `waitMs`.
 */
export async function bootstrap(options: {
  store: Store;
  dataDir: string;
  apiKey?: string;
  owner?: FirstOwner;
  waitMs?: number;
}): Promise<BootstrapKey> {
  const { store, dataDir, apiKey, owner, waitMs = 30_000 } = options;
  const found =
    apiKey === undefined ? await ownKey(dataDir) : { key: apiKey, source: 'environment' as const };
  const giveUp = performance.now() + waitMs;
  for (;;) {
    try {
      await storeWhatIsNeeded(store, found.key);
      if (owner !== undefined) await storeOwner(store, owner);
      return found;
    } catch (error) {
      if (!store.isOutage(error) || performance.now() > giveUp) throw error;
      await delay(250);
    }
  }
}

/** May be done again, whatever of it was done before. */
async function storeWhatIsNeeded(store: Store, key: string): Promise<void> {
  const projectId = await store.ensureProject({ id: newId('project'), key: defaultProjectKey });
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

/** The address is kept in lower case, as `auth.login` looks for it. */
async function storeOwner(store: Store, owner: FirstOwner): Promise<void> {
  const email = owner.email.toLowerCase();
  if ((await store.findAccountByEmail(email)) !== undefined) return;
  const id = newId('account');
  const passwordHash = await createPasswords().hash(owner.password);
  await store.createAccount(
    { kind: 'system', id: '', address: '', requestId: '' },
    { id, email, name: null, role: 'owner', passwordHash },
    instanceChange('accounts.create', id),
  );
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
