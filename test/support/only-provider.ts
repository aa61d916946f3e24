import type { Provider, Providers } from '@tidings/workers';

/** One provider for everything. */
export function onlyProvider(provider: Provider): Providers {
  return {
    instance: { email: [() => provider], push: [() => provider] },
    ofProject: () => () => provider,
  };
}
