export { addJobs } from './add-jobs.ts';
export * from './choose-engine.ts';
export * from './engine.ts';
export { createFastPath, type FastPath, noFastPath } from './fast-path.ts';
export { type Foundation, openFoundation, openSharedFoundation } from './foundation.ts';
export { startReconciler } from './reconciler.ts';
export { createRedisEngine, type RedisAddress } from './redis-engine.ts';
export { defaultWindow, type QueueAdmission, startRelay } from './relay.ts';
