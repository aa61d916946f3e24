import { afterAll } from 'vitest';
import { enginesOfTests, openQueue } from '../../../test/support/engines.ts';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { flowContract } from './flow.contract.ts';

const { path: dataDir, remove } = tempDir();
afterAll(remove);

flowContract(enginesOfTests, () => openQueue(dataDir));
