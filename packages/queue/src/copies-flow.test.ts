import { silentLog } from '@tidings/runtime';
import { afterAll, describe } from 'vitest';
import { enginesOfTests, openQueue } from '../../../test/support/engines.ts';
import {
  postgresAvailable,
  startPostgres,
  type TestPostgres,
} from '../../../test/support/postgres-server.ts';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { copiesFlowContract } from './copies-flow.contract.ts';
import { chooseEngine } from './index.ts';

const { path: dataDir, remove } = tempDir();
afterAll(remove);

copiesFlowContract(enginesOfTests, () => openQueue(dataDir));

describe.skipIf(!postgresAvailable)('with a Postgres as the queue', () => {
  let postgres: TestPostgres | undefined;
  afterAll(() => postgres?.stop());

  copiesFlowContract('Postgres', async () => {
    postgres = await startPostgres();
    return chooseEngine({
      config: { DATABASE_URL: postgres.url(), DATA_DIR: dataDir },
      log: silentLog(),
    });
  });
});
