import type { Platform } from '@tidings/contracts';
import type { Delivery, Provider, ProviderResult, RenderedPush } from './provider.ts';

/**
 * Hands each push to the provider of its platform, and says who that was. What none reaches ends as `no_provider`.
 * One queue carries the messages of all, so whoever holds it holds the others; it goes on when those who held it
 * are well, whatever the rest may be.
 */
export function createPushByPlatform(providers: readonly Provider<RenderedPush>[]): Provider<RenderedPush> {
  const byPlatform = new Map<Platform, Provider<RenderedPush>>();
  for (const provider of providers) {
    for (const platform of provider.platforms ?? []) byPlatform.set(platform, provider);
  }
  const holding = new Set<Provider<RenderedPush>>();

  async function send(delivery: Delivery<RenderedPush>): Promise<ProviderResult> {
    const provider = delivery.platform === null ? undefined : byPlatform.get(delivery.platform);
    if (provider === undefined) return { outcome: 'rejected', reason: 'no_provider' };
    const result = await provider.send(delivery);
    if (result.outcome === 'held') holding.add(provider);
    return { ...result, provider: provider.name };
  }

  async function probe(): Promise<boolean> {
    const asked = holding.size > 0 ? [...holding] : providers;
    const well = await Promise.all(
      asked.map(async (provider) => {
        const isWell = await provider.probe();
        if (isWell) holding.delete(provider);
        return isWell;
      }),
    );
    return well.every(Boolean);
  }

  return {
    name: providers.map(({ name }) => name).join('+'),
    platforms: [...byPlatform.keys()],
    send,
    probe,
    close: async () => void (await Promise.all(providers.map((provider) => provider.close()))),
  };
}
