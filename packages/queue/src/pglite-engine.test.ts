import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  closesQuickly,
  data,
  everyEngineKeepsTheContract,
  log,
  quick,
  workBench,
} from './engine.contract.ts';
import type { QueueEngine } from './engine.ts';
import { createPgliteEngine } from './pglite-engine.ts';

let engine: QueueEngine;
const work = workBench(() => engine);

describe('PGlite', () => {
  beforeAll(async () => {
    engine = await createPgliteEngine({ log, tidyEveryMs: 100 });
  });
  afterAll(() => engine.close());
  everyEngineKeepsTheContract(() => engine, work);

  it('keeps a thousand completed jobs at most', async () => {
    const queue = engine.queue('email');
    const add = (jobId: string) => ({ name: 'email', data: data(1), opts: { jobId, priority: 2 } });
    await queue.addBulk(Array.from({ length: 1500 }, (_, index) => add(`j${index}`)));
    work('email', () => {}, { concurrency: 50 });
    await vi.waitFor(async () => {
      expect(await queue.getJobState('j1499')).toBe('completed');
      expect(await queue.getJobCountByTypes('waiting', 'prioritized', 'active')).toBe(0);
      expect(await queue.getCompletedCount()).toBe(1000);
      expect(await queue.getJobState('j0')).toBe('unknown');
    }, quick);
  });

  it('closes quickly, an idle worker included', async () => closesQuickly(await createPgliteEngine({ log })));
});
