import { afterEach, expect, test } from 'vitest';
import { type ScriptedSmtp, type SmtpScript, startScriptedSmtp } from '../support/scripted-smtp.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';

const cleanUp: Array<() => unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

async function start(script: SmtpScript = {}): Promise<TestTidings & { smtp: ScriptedSmtp }> {
  const dir = tempDir();
  const smtp = await startScriptedSmtp(script);
  cleanUp.push(dir.remove, smtp.stop);
  const env = { SMTP_URL: smtp.url, EMAIL_FROM: 'hello@tidings.example' };
  const running = await startTidings({ dataDir: dir.path, env });
  cleanUp.push(running.stop);
  return { ...running, smtp };
}

const content = { email: { subject: 'Hi', text: 'Hello' } };

async function send({ tidings }: TestTidings, email: string, category?: string): Promise<string> {
  const { messages } = await tidings.notifications.send.mutate({ to: { email }, content, category });
  return messages[0]?.id ?? '';
}

async function endOf({ tidings }: TestTidings, id: string): Promise<string> {
  const { status, reason } = await ended(tidings, id);
  return reason === null ? status : `${status}: ${reason}`;
}

test('an address that bounced gets nothing more, and its messages tell why, until it is off the list', async () => {
  const running = await start({ rcpt: (count) => (count === 1 ? '550 5.1.1 No such user' : '250 2.1.5 Ok') });
  const { tidings, smtp } = running;
  const bounced = await send(running, 'Gone@Example.com');
  expect(await endOf(running, bounced)).toBe('bounced: invalid_address');
  const { items } = await tidings.suppressions.list.query({ address: 'gone@example.com' });
  expect(items).toMatchObject([{ address: 'Gone@Example.com', reason: 'hard_bounce', messageId: bounced }]);

  const stopped = await ended(tidings, await send(running, 'gone@example.com'));
  expect(stopped).toMatchObject({ status: 'suppressed', reason: 'hard_bounce', attempts: [], failures: 0 });
  expect(stopped.timeline.map(({ status, reason }) => [status, reason])).toEqual([
    ['queued', undefined],
    ['suppressed', 'hard_bounce'],
  ]);
  expect(smtp.messages).toEqual([]);
  const metrics = await (await fetch(`${running.url}/metrics`)).text();
  expect(metrics).toMatch(/^tidings_messages_ended_total\{channel="email",status="suppressed"\} 1/m);

  await tidings.suppressions.remove.mutate({ id: items[0]?.id ?? '' });
  expect(await endOf(running, await send(running, 'gone@example.com'))).toBe('sent');
});

test('who unsubscribed still gets what is required, and who complained does not', async () => {
  const running = await start();
  const { tidings } = running;
  await tidings.categories.upsert.mutate({ key: 'security', name: 'Security', required: true });
  for (const reason of ['unsubscribed', 'complaint'] as const) {
    await tidings.suppressions.add.mutate({ address: `${reason}@example.com`, reason });
  }
  expect(await endOf(running, await send(running, 'unsubscribed@example.com', 'security'))).toBe('sent');
  expect(await endOf(running, await send(running, 'unsubscribed@example.com', 'news'))).toBe(
    'suppressed: unsubscribed',
  );
  expect(await endOf(running, await send(running, 'complaint@example.com', 'security'))).toBe(
    'suppressed: complaint',
  );
});

test('the list goes out as a file and comes in as one, over a real connection', async () => {
  const [one, other] = [await start(), await start()];
  const items = Array.from({ length: 1000 }, (_, index) => ({ address: `reader-${index}@example.com` }));
  await one.tidings.suppressions.import.mutate({ items, reason: 'complaint' });
  const authorization = `Bearer ${one.apiKey}`;
  const answer = await fetch(`${one.url}/v1/suppressions/export`, { headers: { authorization } });
  expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  const taken = await fetch(`${other.url}/v1/suppressions/import`, {
    method: 'POST',
    body: await answer.text(),
    headers: { authorization: `Bearer ${other.apiKey}`, 'content-type': 'text/csv' },
  });
  expect(taken.status).toBe(200);
  expect(await endOf(other, await send(other, 'reader-7@example.com'))).toBe('suppressed: complaint');
});
