import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addJobs, type QueueEngine } from '@tidings/queue';
import { createMetrics, type Repeating, silentLog } from '@tidings/runtime';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openQueue } from '../../../test/support/engines.ts';
import { until } from '../../../test/support/until.ts';
import { startWatchdog, type Watched } from './watchdog.ts';

const dir = mkdtempSync(join(tmpdir(), 'tidings-watchdog-'));
const log = silentLog();
let engine: QueueEngine;
let watchdog: Repeating | undefined;

beforeAll(async () => {
  engine = await openQueue(dir);
});
afterEach(async () => {
  await watchdog?.stop();
  await engine.queue('email').obliterate({ force: true });
  await engine.queue('email').removeRateLimitKey();
});
afterAll(async () => {
  await engine.close();
  rmSync(dir, { recursive: true });
});

/** A worker that last moved `agoMs` ago, and counts how often it is replaced and looked at. */
function watch(options: { agoMs: number; full?: boolean }) {
  const counts = { replaced: 0, looks: 0 };
  const movedAt = performance.now() - options.agoMs;
  const watched: Watched = {
    name: 'email',
    isFull: () => options.full ?? false,
    lastMoved: () => {
      counts.looks += 1;
      return movedAt;
    },
    replace: () => {
      counts.replaced += 1;
    },
  };
  watchdog = startWatchdog({
    engine,
    watched: () => [watched],
    log,
    metrics: createMetrics(),
    everyMs: 10,
    patienceMs: 60_000,
  });
  return counts;
}

const addOne = () =>
  addJobs(engine, [{ id: 'msg_1', generation: 0, channel: 'email', lane: 'normal', delayMs: 0 }]);

const looked = (counts: { looks: number }) =>
  until(
    () => counts.looks,
    (looks) => looks > 5,
  );

test('a worker that stands still with work waiting is replaced', async () => {
  await addOne();
  const counts = watch({ agoMs: 120_000 });
  await until(
    () => counts.replaced,
    (replaced) => replaced > 0,
  );
});

test('one without work, one that moved lately, and one held by a limit are left alone', async () => {
  const idle = watch({ agoMs: 120_000 });
  await looked(idle);
  await watchdog?.stop();
  await addOne();
  const lively = watch({ agoMs: 0 });
  await looked(lively);
  await watchdog?.stop();
  await engine.queue('email').rateLimit(60_000);
  const held = watch({ agoMs: 120_000 });
  await looked(held);
  expect([idle.replaced, lively.replaced, held.replaced]).toEqual([0, 0, 0]);
});
