import type { ReceivedMail } from './smtp-sink.ts';

/** How often each message arrived, by its id from the Message-ID. */
export function copiesByMessage(received: ReceivedMail[]): Map<string, number> {
  const copies = new Map<string, number>();
  for (const { raw } of received) {
    const [, id = 'none'] = /^Message-ID: <(msg_[0-9a-f]+)@/im.exec(raw.toString('latin1')) ?? [];
    copies.set(id, (copies.get(id) ?? 0) + 1);
  }
  return copies;
}
