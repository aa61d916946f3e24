import { z } from 'zod';
import type { Channel, Lane } from './statuses.ts';

/** Every BullMQ queue. `critical` messages have one of their own so that nothing ever stands before them. */
export const queueNames = ['email', 'email-critical', 'push', 'push-critical'] as const;
export type QueueName = (typeof queueNames)[number];

/** The queue a message waits in. */
export function queueFor(channel: Channel, lane: Lane): QueueName {
  return lane === 'critical' ? `${channel}-critical` : channel;
}

/**
 * BullMQ priority of a lane within its queue; lower runs first. Never 0: BullMQ runs priority 0 before every
 * prioritised job and keeps it in another structure.
 */
export const lanePriority: Readonly<Record<Lane, number>> = { critical: 1, high: 1, normal: 2, bulk: 3 };

/** All that enters the queue: no address, no content, no secret. */
export const jobData = z.strictObject({ v: z.literal(1), id: z.string().regex(/^msg_[0-9a-z]{1,40}$/) });
export type JobData = z.infer<typeof jobData>;

/**
 * Job id of a generation of a message or of a copy. BullMQ ignores an add whose id it still holds in any state, so each
 * generation needs an id of its own.
 */
export function jobIdOf(id: string, generation: number): string {
  return `${id}-g${generation}`;
}

/** The queues of consumers bear the ids of their subscriptions. */
export type ConsumerQueueName = `sub_${string}`;
export type AnyQueueName = QueueName | ConsumerQueueName;

/** The queue of a consumer: every subscription has one of its own, so that none stands in another's way. */
export function queueOfSubscription(subscriptionId: string): ConsumerQueueName {
  return subscriptionId as ConsumerQueueName;
}

/** All that enters the queue of a consumer. */
export const copyJobData = z.strictObject({ v: z.literal(1), id: z.string().regex(/^cpy_[0-9a-z]{1,40}$/) });
