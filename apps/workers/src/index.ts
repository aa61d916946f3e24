export { chooseProvider } from './providers/choose-provider.ts';
export type { Provider } from './providers/provider.ts';
export { createWorkers, type Workers, type WorkerTuning } from './workers.ts';
