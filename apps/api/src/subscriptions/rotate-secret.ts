import { rotateSubscriptionSecret, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import {
  newId,
  newSigningSecret,
  openSigningSecrets,
  type Seal,
  SealError,
  type SigningSecrets,
  sealSigningSecrets,
} from '@tidings/runtime';
import { isoOrNull } from '../iso.ts';
import { actorOf, mutation } from '../operations.ts';

/** How often somebody else may be faster before it is given up. */
const triesAtMost = 5;

/** `subscriptions.rotateSecret`. Of two at once, one follows the other. */
export const rotateSecret = ({ store, seal }: { store: Store; seal: Seal }) =>
  mutation(rotateSubscriptionSecret, async ({ id, secret, overlapSeconds }, context) => {
    const { projectId } = context.principal;
    const current = secret ?? newSigningSecret();
    for (let tries = 0; tries < triesAtMost; tries += 1) {
      const found = await store.getSubscription(projectId, id);
      if (found === undefined) throw new TidingsError('not_found');
      if (found.sealed === null) throw new TidingsError('not_a_webhook');
      const until = Date.now() + overlapSeconds * 1000;
      const before = opened(seal, id, found.sealed);
      const secrets = successorOf(before, current, overlapSeconds === 0 ? null : until);
      const isDone = await store.replaceSigningSecrets(
        projectId,
        { id, replaced: found.sealed, sealed: sealSigningSecrets(seal, id, secrets) },
        {
          actor: actorOf(context),
          change: { id: newId('audit'), projectId, action: rotateSubscriptionSecret.name, target: id },
        },
      );
      if (isDone) {
        return { id, secret: current, previousUntil: isoOrNull(secrets.previous?.until ?? null) };
      }
    }
    throw new TidingsError('unavailable', { headers: { 'retry-after': '1' } });
  });

/** One that is given again replaces nothing, nor what is still used beside it. */
function successorOf(
  before: SigningSecrets | undefined,
  current: string,
  until: number | null,
): SigningSecrets {
  if (before === undefined || until === null) return { current };
  return before.current === current ? before : { current, previous: { secret: before.current, until } };
}

/** Undefined where the key is lost that they were sealed under: another secret is the way out of that. */
function opened(seal: Seal, id: string, sealed: string): SigningSecrets | undefined {
  try {
    return openSigningSecrets(seal, id, sealed);
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}
