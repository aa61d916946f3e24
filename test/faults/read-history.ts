import { createHash } from 'node:crypto';
import type { MessageStatus } from '@tidings/contracts';
import type { Database } from '@tidings/db';
import { asc, count, eq, isNotNull } from 'drizzle-orm';
import type { FcmRequest } from '../support/fcm-sink.ts';
import type { ReceivedMail } from '../support/smtp-sink.ts';
import type { Copy, SqlRecord } from './history.ts';

/** Everything that the checker wants to know from SQL. */
export async function readRecord({ handle, tables }: Database): Promise<SqlRecord> {
  const { notifications, messages, attempts } = tables;
  const tries = await handle.select().from(attempts).orderBy(asc(attempts.messageId), asc(attempts.number));
  const triesOf = Map.groupBy(tries, ({ messageId }) => messageId);
  const rows = await handle.select().from(messages);
  const counted = await handle
    .select({ status: messages.status, count: count() })
    .from(messages)
    .groupBy(messages.status);
  return {
    notifications: await handle
      .select({ id: notifications.id, idempotencyKey: notifications.idempotencyKey })
      .from(notifications),
    messages: rows.map(({ id, notificationId, status, failures, endedAt }) => ({
      id,
      notificationId,
      status,
      failures,
      endedAt,
      attempts: triesOf.get(id) ?? [],
    })),
    counts: Object.fromEntries(counted.map((row) => [row.status, row.count])) as Partial<
      Record<MessageStatus, number>
    >,
  };
}

/** How far it is: messages stored and not ended, and attempts whose end is not known. */
export async function readProgress({ handle, tables }: Database) {
  const { messages, attempts } = tables;
  const countOf = async (rows: Promise<Array<{ count: number }>>) => (await rows)[0]?.count ?? 0;
  return {
    stored: await countOf(Promise.resolve(handle.select({ count: count() }).from(messages))),
    open: await countOf(
      Promise.resolve(handle.select({ count: count() }).from(messages).where(isNotNull(messages.place))),
    ),
    openAttempts: await countOf(
      Promise.resolve(
        handle.select({ count: count() }).from(attempts).where(eq(attempts.outcome, 'started')),
      ),
    ),
  };
}

/** What a mail server took, as copies of messages. */
export function copiesOf(received: ReceivedMail[]): Copy[] {
  return received.map(({ raw, at }) => {
    const text = raw.toString('latin1');
    const [messageId = ''] = /^Message-ID: .*$/im.exec(text) ?? [];
    const [date = ''] = /^Date: .*$/im.exec(text) ?? [];
    const [id = messageId] = /msg_[0-9a-f]+/.exec(messageId) ?? [];
    const body = createHash('sha256').update(raw).digest('hex');
    return { messageId: id, identity: `${messageId} ${date}`, body, at };
  });
}

/**
 * What FCM may have taken: what it said 200 to, and what it never said no to. A refused stream was not looked at,
 * and any other status is a no.
 */
export function pushCopiesOf(requests: FcmRequest[]): Copy[] {
  return requests.filter(mayHaveTaken).map(({ raw, body: { message }, at }) => {
    const { data, android, apns, webpush } = message;
    return {
      messageId: data.tidingsMessageId ?? '',
      identity: JSON.stringify([data, android, apns, webpush]),
      body: raw,
      at,
    };
  });
}

function mayHaveTaken({ said }: FcmRequest): boolean {
  return typeof said === 'object' ? said.status === 200 : said !== 'refuse';
}
