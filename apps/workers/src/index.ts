export type { Provider } from './providers/provider.ts';
export { findProviders } from './routes/providers.ts';
export type { Providers } from './routes/routes.ts';
export { createWorkers, type Workers, type WorkerTuning } from './workers.ts';
