export * from './config.ts';
export * from './group.ts';
export * from './http-server.ts';
export * from './ids.ts';
export * from './log.ts';
export * from './metrics.ts';
export * from './repeat.ts';
export * from './shutdown.ts';
