import { afterEach, expect, test } from 'vitest';
import { copiesByMessage } from '../support/copies-by-message.ts';
import { quick } from '../support/quick.ts';
import { allEnded } from '../support/send-many.ts';
import { startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startTidings } from '../support/tidings.ts';

const cleanUp: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

const messages = 10_000;
const content = { email: { subject: 'Hello', text: 'there' } };

/** Of a hundred messages two are refused for good and ten fail for now, once to three times. */
function fateOf(index: number): string {
  const at = index % 100;
  if (at < 1) return 'refused';
  if (at < 2) return 'unknown';
  return at < 12 ? `later${1 + (at % 3)}` : 'taken';
}

test('10,000 messages, 10 % failing for now and 2 % for good: accepted = delivered + failed, to the unit', async () => {
  const tries = new Map<string, number>();
  const sink = await startSmtpSink({
    onRecipient: (address) => {
      const [fate = ''] = address.split('-');
      const count = (tries.get(address) ?? 0) + 1;
      tries.set(address, count);
      if (fate === 'refused') return '554 5.7.1 Not here';
      if (fate === 'unknown') return '550 5.1.1 No such user';
      const failures = fate.startsWith('later') ? Number(fate.slice(5)) : 0;
      return count <= failures ? '451 4.7.1 Later' : undefined;
    },
  });
  const dir = tempDir();
  cleanUp.push(dir.remove, sink.stop);
  const { tidings, stop } = await startTidings({
    dataDir: dir.path,
    env: { SMTP_URL: sink.url, EMAIL_FROM: 'hello@tidings.example' },
    tuning: quick,
  });
  cleanUp.push(stop);
  const fates = new Map<string, string>();
  for (let from = 0; from < messages; from += 1000) {
    const addresses = Array.from({ length: 1000 }, (_, at) => {
      const index = from + at;
      return `${fateOf(index)}-${index}@example.com`;
    });
    const answer = await tidings.notifications.sendMany.mutate({
      items: addresses.map((email) => ({ to: { email }, content, lane: 'bulk' as const })),
    });
    answer.items.forEach((item, at) => {
      if (!('messages' in item)) throw new Error(`item ${at} was refused`);
      fates.set(item.messages[0]?.id ?? '', addresses[at] ?? '');
    });
  }
  expect(fates.size).toBe(messages);
  await allEnded(tidings, 150_000);

  const counts: Record<string, number> = {};
  let after: string | undefined;
  do {
    const page = await tidings.notifications.list.query({ limit: 100, after });
    for (const { id, status } of page.items.flatMap(({ messages }) => messages)) {
      const fate = fates.get(id)?.replace(/\d?-.*$/, '') ?? 'nobody’s';
      const key = `${fate} ${status}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
    after = page.after ?? undefined;
  } while (after !== undefined);
  expect(counts).toEqual({
    'refused failed': 100,
    'unknown bounced': 100,
    'later sent': 1000,
    'taken sent': 8800,
  });
  const copies = copiesByMessage(sink.received);
  expect(sink.received).toHaveLength(9800);
  expect(copies.size).toBe(9800);
  for (const [address, count] of tries) {
    const failures = address.startsWith('later') ? Number(address[5]) : 0;
    expect(count, address).toBe(failures + 1);
  }
}, 200_000);
