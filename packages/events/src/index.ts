export * from './delivered-event.ts';
