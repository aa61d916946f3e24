import type { ClientRequest } from './history.ts';
import { emailTo, freshKeys, type RecordingClient } from './recording-client.ts';

/** Senders that go on until they are stopped. */
export interface Load {
  readonly answers: Array<ClientRequest & { tookMs: number }>;
  /** Lets running requests finish; asks again, under the same keys, for what was not accepted. */
  stop(): Promise<void>;
}

/** `senders` at once, each with one request at a time and `pauseMs` between two. */
export function startLoad(
  client: RecordingClient,
  { senders = 4, pauseMs = 25 }: { senders?: number; pauseMs?: number } = {},
): Load {
  const answers: Load['answers'] = [];
  const stopping = new AbortController();
  const running = freshKeys(senders).map(async (sender) => {
    for (let number = 0; !stopping.signal.aborted; number += 1) {
      const startedAt = performance.now();
      const answer = await client.send(`${sender}-${number}`, emailTo(`${sender}-${number}`));
      answers.push({ ...answer, tookMs: performance.now() - startedAt });
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  });
  return {
    answers,
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
      const refused = answers.filter(({ status }) => status !== 202);
      for (const { key } of refused) await client.sendSurely(key, emailTo(key));
    },
  };
}
