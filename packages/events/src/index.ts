export * from './delivered-event.ts';
export * from './notification.ts';
