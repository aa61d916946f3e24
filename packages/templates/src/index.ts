export * from './check.ts';
export * from './defaults.ts';
export { createTemplateEngine, type TemplateEngine } from './engine.ts';
export * from './render.ts';
