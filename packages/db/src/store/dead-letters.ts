import { type DeadLetterFilters, deadStatuses } from '@tidings/contracts';
import { and, eq, getTableColumns, gte, inArray, isNull, lt, type SQL, sql } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { harmlessReasons, listOf, type Tables } from '../schema/tables.ts';
import type { MessageRow } from './claim.ts';
import { type Page, pageById } from './pages.ts';
import type { AttemptRow, NotificationRow } from './read.ts';

/** What a list is asked with; instants in milliseconds since the epoch. */
export type DeadLetterSearch = Omit<DeadLetterFilters, 'endedFrom' | 'endedTo'> & {
  endedFrom?: number;
  endedTo?: number;
};

/** A dead letter, with what is to be known of its notification and of its last attempt. */
export interface DeadLetterRow {
  message: MessageRow;
  notification: Pick<
    NotificationRow,
    'templateKey' | 'templateVersion' | 'category' | 'recipientId' | 'payloadRemovedAt'
  >;
  /** Null where it ended without one, or where retention removed it. */
  last: Pick<AttemptRow, 'provider' | 'code'> | null;
}

/** Begins with what the index of dead letters is conditioned on. */
function isDead({ place, reason, status }: Tables['messages']): SQL | undefined {
  return and(
    isNull(place),
    sql`${reason} not in (${sql.raw(listOf(harmlessReasons))})`,
    inArray(status, [...deadStatuses]),
  );
}

/** A page of the project's dead letters, newest first, with one more than asked for when there are more. */
export async function listDeadLetters(
  database: Database,
  projectId: string,
  search: DeadLetterSearch & Page,
): Promise<DeadLetterRow[]> {
  return selectDeadLetters(database, projectId, search);
}

/** The statement of `listDeadLetters`, whose plan is tested. */
export function selectDeadLetters(
  { tables, handle }: Database,
  projectId: string,
  search: DeadLetterSearch & Page,
) {
  const { messages, notifications, attempts } = tables;
  const { status, reason, channel, lane, template, provider, recipientId, endedFrom, endedTo } = search;
  const { from, order, limit } = pageById(messages.id, search);
  return handle
    .select({
      message: getTableColumns(messages),
      notification: {
        templateKey: notifications.templateKey,
        templateVersion: notifications.templateVersion,
        category: notifications.category,
        recipientId: notifications.recipientId,
        payloadRemovedAt: notifications.payloadRemovedAt,
      },
      last: { provider: attempts.provider, code: attempts.code },
    })
    .from(messages)
    .innerJoin(notifications, eq(notifications.id, messages.notificationId))
    .leftJoin(attempts, and(eq(attempts.messageId, messages.id), eq(attempts.number, messages.attempt)))
    .where(
      and(
        eq(messages.projectId, projectId),
        isDead(messages),
        from,
        status === undefined ? undefined : eq(messages.status, status),
        reason === undefined ? undefined : eq(messages.reason, reason),
        channel === undefined ? undefined : eq(messages.channel, channel),
        lane === undefined ? undefined : eq(messages.lane, lane),
        endedFrom === undefined ? undefined : gte(messages.endedAt, endedFrom),
        endedTo === undefined ? undefined : lt(messages.endedAt, endedTo),
        template === undefined ? undefined : eq(notifications.templateKey, template),
        recipientId === undefined ? undefined : eq(notifications.recipientId, recipientId),
        provider === undefined ? undefined : eq(attempts.provider, provider),
      ),
    )
    .orderBy(order)
    .limit(limit);
}
