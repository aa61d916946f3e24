import type { ClaimedCopy } from '@tidings/db';
import { createSeal, newId, type SigningSecrets, sealSigningSecrets } from '@tidings/runtime';

export const seal = createSeal({ secrets: ['a secret of 32 characters or more'] });

/** A copy of a webhook's subscription as a claim gives it. */
export function claimedWebhook(
  url: string,
  secrets: SigningSecrets,
  more: {
    copy?: Partial<ClaimedCopy['copy']>;
    event?: Partial<ClaimedCopy['event']>;
    subscription?: Partial<ClaimedCopy['subscription']>;
  } = {},
): ClaimedCopy {
  const now = Date.now();
  const projectId = newId('project');
  const event: ClaimedCopy['event'] = {
    id: newId('event'),
    projectId,
    externalId: 'order-1042-created',
    source: '',
    requestHash: null,
    origin: 'application',
    type: 'order.created',
    subject: 'user-42',
    occurredAt: 1_770_000_000_123,
    data: { orderId: '1042', name: 'Grüße 😀' },
    createdAt: now,
    fannedOutAt: now,
    payloadRemovedAt: null,
    ...more.event,
  };
  const id = newId('subscription');
  const subscription: ClaimedCopy['subscription'] = {
    id,
    projectId,
    name: 'shop',
    kind: 'webhook',
    types: ['order.*'],
    filter: null,
    ofHappenings: false,
    ordered: false,
    settings: { kind: 'webhook', url, ordered: false },
    sealed: sealSigningSecrets(seal, id, secrets),
    status: 'active',
    reason: null,
    failingSince: null,
    heldUntil: null,
    holds: 0,
    createdAt: now,
    updatedAt: now,
    removedAt: null,
    ...more.subscription,
  };
  const copy: ClaimedCopy['copy'] = {
    id: newId('copy'),
    eventId: event.id,
    subscriptionId: id,
    projectId,
    status: 'sending',
    reason: null,
    place: 'queue',
    position: null,
    generation: 0,
    dueAt: now,
    attempt: 1,
    failures: 0,
    unanswered: 1,
    leaseToken: 'token',
    leaseOwner: 'test',
    leaseUntil: now + 60_000,
    claimedAt: now,
    notificationId: null,
    createdAt: now,
    endedAt: null,
    ...more.copy,
  };
  return { copy, event, subscription };
}
