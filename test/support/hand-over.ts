import type { Store } from '@tidings/db';

/** Does to a message what a worker does whose provider takes it. */
export async function handOver(store: Store, id: string, providerMessageId?: string): Promise<void> {
  const token = `of-${id}`;
  const owner = 'a test';
  const { claimed } = await store.claim({ ids: [id], token, owner, leaseMs: 60_000 });
  const [{ message } = { message: undefined }] = claimed;
  if (message === undefined) throw new Error(`${id} could not be claimed`);
  await store.settle([
    {
      messageId: id,
      token,
      attempt: message.attempt,
      generation: message.generation,
      worker: owner,
      outcome: 'sent',
      reason: null,
      provider: 'sendgrid',
      providerMessageId,
      code: '202',
      response: null,
      verdict: { status: 'sent' },
    },
  ]);
}
