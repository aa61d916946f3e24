import type { TRPCLink } from '@trpc/client';
import type { AnyRouter } from '@trpc/server';

/** Gives each send that has no idempotency key one of its own, the same for all tries: so a try may be repeated. */
export const keysForSends: TRPCLink<AnyRouter> = () => {
  return ({ op, next }) => {
    if (op.path === 'notifications.send') return next({ ...op, input: withKey(op.input) });
    if (op.path !== 'notifications.sendMany' || !hasItems(op.input)) return next(op);
    return next({ ...op, input: { ...op.input, items: op.input.items.map(withKey) } });
  };
};

function withKey(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  const { idempotencyKey } = input as { idempotencyKey?: unknown };
  return idempotencyKey === undefined ? { ...input, idempotencyKey: newKey() } : input;
}

function hasItems(input: unknown): input is { items: unknown[] } {
  return Array.isArray((input as { items?: unknown } | null)?.items);
}

/** 128 random bits. `crypto.randomUUID` is missing in a page that did not come over https. */
function newKey(): string {
  const octets = crypto.getRandomValues(new Uint8Array(16));
  return `auto-${Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('')}`;
}
