import { bootstrap } from '@tidings/api';
import { createStore, openDatabase } from '@tidings/db';

/** Makes another project in the record of `env`, with the default templates and this key. */
export async function addAnotherProject(
  env: { DATA_DIR: string; DATABASE_URL?: string },
  apiKey: string,
): Promise<void> {
  const database = await openDatabase(env);
  const store = createStore(database);
  const ensureProject: typeof store.ensureProject = (project) =>
    store.ensureProject({ ...project, key: 'another' });
  await bootstrap({ store: { ...store, ensureProject }, dataDir: env.DATA_DIR, apiKey });
  await database.close();
}
