export { type Api, createApi } from './api.ts';
export { type BootstrapKey, bootstrap } from './bootstrap.ts';
export { type Limiters, openLimiters } from './limiters.ts';
export type { AppRouter } from './router.ts';
