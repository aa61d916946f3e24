import type { TRPCLink } from '@trpc/client';
import type { AnyRouter } from '@trpc/server';

/** The field of each call's input that makes a try repeatable, and of each item's in bulk. */
const keyOf: ReadonlyMap<string, string> = new Map([
  ['notifications.send', 'idempotencyKey'],
  ['events.publish', 'id'],
]);
const keyOfItems: ReadonlyMap<string, string> = new Map([
  ['notifications.sendMany', 'idempotencyKey'],
  ['events.publishMany', 'id'],
]);

/**
 * Gives each send that has no idempotency key, and each publish that has no id, one of its own, the same for all tries:
 * so a try may be repeated.
 */
export const keysForRepeats: TRPCLink<AnyRouter> = () => {
  return ({ op, next }) => {
    const key = keyOf.get(op.path);
    if (key !== undefined) return next({ ...op, input: withKey(op.input, key) });
    const keyOfItem = keyOfItems.get(op.path);
    if (keyOfItem === undefined || !hasItems(op.input)) return next(op);
    const items = op.input.items.map((item) => withKey(item, keyOfItem));
    return next({ ...op, input: { ...op.input, items } });
  };
};

function withKey(input: unknown, key: string): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  return (input as Record<string, unknown>)[key] === undefined ? { ...input, [key]: newKey() } : input;
}

function hasItems(input: unknown): input is { items: unknown[] } {
  return Array.isArray((input as { items?: unknown } | null)?.items);
}

/** 128 random bits. `crypto.randomUUID` is missing in a page that did not come over https. */
function newKey(): string {
  const octets = crypto.getRandomValues(new Uint8Array(16));
  return `auto-${Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('')}`;
}
