import { createTidings } from '@tidings/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copiesByMessage } from '../support/copies-by-message.ts';
import { quick } from '../support/quick.ts';
import { type ScriptedSmtp, type SmtpScript, startScriptedSmtp } from '../support/scripted-smtp.ts';
import { allEnded } from '../support/send-many.ts';
import { startSendGridSink } from '../support/sendgrid-sink.ts';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';
import { until } from '../support/until.ts';

const cleanUp: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

let dataDir: string;
beforeEach(() => {
  const dir = tempDir();
  dataDir = dir.path;
  cleanUp.push(dir.remove);
});

const owner = { email: 'owner@example.com', password: 'a long enough password' };
const from = 'Acme <hello@acme.example>';
const content = { email: { subject: 'Hello', text: 'there' } };

async function start(env: Record<string, string> = {}): Promise<TestTidings> {
  const running = await startTidings({
    dataDir,
    env: { EMAIL_FROM: from, ADMIN_EMAIL: owner.email, ADMIN_PASSWORD: owner.password, ...env },
    // What is sent just after a route was set is to go by it.
    tuning: { ...quick, rulesMs: 1 },
  });
  cleanUp.push(running.stop);
  return running;
}

async function scripted(script: SmtpScript = {}): Promise<ScriptedSmtp> {
  const server = await startScriptedSmtp(script);
  cleanUp.push(server.stop);
  return server;
}

async function sinkOf(options: Parameters<typeof startSmtpSink>[0] = {}): Promise<SmtpSink> {
  const sink = await startSmtpSink(options);
  cleanUp.push(sink.stop);
  return sink;
}

/** The URL of a server that is away; a sink may come back on its port. */
async function away(): Promise<{ url: string; port: number }> {
  const { url, port, stop } = await startScriptedSmtp();
  await stop();
  return { url, port };
}

/** Somebody who may set up providers. */
async function asOwner({ url }: TestTidings) {
  const { accessToken } = await createTidings({ url }).auth.login.mutate(owner);
  return createTidings({ url, accessToken: () => accessToken, project: 'default' });
}

/** A route over servers, in this order. */
async function routeOver(
  running: TestTidings,
  servers: string[],
  { perSecond, connections }: { perSecond?: number; connections?: number } = {},
) {
  const admin = await asOwner(running);
  const made = await Promise.all(
    servers.map((url, index) =>
      admin.providers.create.mutate({
        name: `server ${index + 1}`,
        settings: { kind: 'smtp', url, from, connections },
        perSecond,
      }),
    ),
  );
  const ids = made.map(({ id }) => id);
  await admin.routes.set.mutate({ channel: 'email', providers: ids });
  return { admin, ids };
}

async function send({ tidings }: TestTidings, more: object = {}): Promise<string> {
  const to = { email: 'ada@example.com' };
  const { messages } = await tidings.notifications.send.mutate({ to, content, ...more });
  return messages[0]?.id ?? '';
}

async function sendMany(running: TestTidings, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let at = 0; at < count; at += 1000) {
    const items = Array.from({ length: Math.min(1000, count - at) }, (_, index) => ({
      to: { email: `ada${at + index}@example.com` },
      content,
    }));
    const answer = await running.tidings.notifications.sendMany.mutate({ items });
    ids.push(
      ...answer.items.flatMap((item) => ('messages' in item ? item.messages.map(({ id }) => id) : [])),
    );
  }
  return ids;
}

/** The messages once all have ended. Many that are asked for at once would keep the process from its work. */
async function allOf({ tidings }: TestTidings, ids: string[]) {
  await allEnded(tidings, 40_000);
  return Promise.all(ids.map((id) => ended(tidings, id)));
}

const readyOf = async ({ url }: TestTidings) =>
  (await (await fetch(`${url}/ready`)).json()) as { status: string; checks: Record<string, string> };

const tries = (message: Awaited<ReturnType<typeof ended>>) =>
  message.attempts.map(({ provider, outcome }) => `${provider} ${outcome}`);

describe('failover', () => {
  test('a provider that turns messages away is passed over at once, and counts nothing', async () => {
    const sink = await sinkOf();
    const running = await start();
    await routeOver(running, [(await away()).url, sink.url]);
    // Routes are read again after a moment.
    const ids = await sendMany(running, 50);
    const messages = await allOf(running, ids);
    for (const { status, failures } of messages) expect([status, failures]).toEqual(['sent', 0]);
    for (const message of messages) expect(tries(message).at(-1)).toBe('server 2 (smtp) sent');
    expect(sink.received).toHaveLength(50);
  });

  test('what fails for now is tried twice at a provider before it is the next one’s turn', async () => {
    const [deferring, sink] = [await scripted({ rcpt: '451 4.7.1 Greylisted' }), await sinkOf()];
    const running = await start({ SMTP_URL: `${deferring.url} ${sink.url}` });
    const message = await ended(running.tidings, await send(running));
    expect(message).toMatchObject({ status: 'sent', failures: 2 });
    expect(tries(message)).toEqual(['smtp transient', 'smtp transient', 'smtp-2 sent']);
  });

  test('what one provider asks for is nothing to the next', async () => {
    const [busy, sink] = [
      await startSendGridSink({ answer: () => ({ status: 503, headers: { 'retry-after': '3600' } }) }),
      await sinkOf(),
    ];
    cleanUp.push(busy.stop);
    const running = await start();
    const admin = await asOwner(running);
    const { apiKey, url: baseUrl } = busy;
    const first = await admin.providers.create.mutate({
      name: 'first',
      settings: { kind: 'sendgrid', apiKey, baseUrl, from },
    });
    const second = await admin.providers.create.mutate({
      name: 'second',
      settings: { kind: 'smtp', url: sink.url, from },
    });
    await admin.routes.set.mutate({ channel: 'email', providers: [first.id, second.id] });
    const ids = [await send(running), await send(running, { lane: 'critical' })];
    for (const message of await allOf(running, ids)) {
      expect(message.status).toBe('sent');
      expect(tries(message).at(-1)).toBe('second (smtp) sent');
    }
  });

  test('a fault of configuration goes to the next at once, and /ready and the metrics tell', async () => {
    const [strict, sink] = [await sinkOf({ auth: { user: 'acme', pass: 'right' } }), await sinkOf()];
    const running = await start();
    const wrong = strict.url.replace(':right@', ':wrong@');
    const { admin, ids } = await routeOver(running, [wrong, sink.url]);
    const message = await ended(running.tidings, await send(running));
    expect(message).toMatchObject({ status: 'sent', failures: 0 });
    expect(tries(message)).toEqual(['server 1 (smtp) held', 'server 2 (smtp) sent']);
    const fault = {
      [`provider ${ids[0]}`]: expect.stringMatching(/^(half_)?open: provider_configuration 535/),
    };
    expect(await readyOf(running)).toMatchObject({ status: 'degraded', checks: fault });
    const metrics = await (await fetch(`${running.url}/metrics`)).text();
    expect(metrics).toContain(`tidings_provider_unwell{provider="${ids[0]}"} 1`);
    expect(metrics).toMatch(
      /tidings_provider_faults_total\{provider="prv_\w+",reason="provider_configuration"\} \d/,
    );
    // Put right, it is used again.
    const settings = { kind: 'smtp', url: strict.url, from } as const;
    await admin.providers.update.mutate({ id: ids[0] ?? '', settings });
    await until(
      () => readyOf(running),
      ({ status }) => status === 'ok',
    );
    expect(tries(await ended(running.tidings, await send(running)))).toEqual(['server 1 (smtp) sent']);
  });

  test('a primary that dies under load loses nothing, and is used again when it is back', async () => {
    // Some are between their last octet and its reply when it goes.
    let taken = 0;
    const first = await sinkOf({ acceptDelayMs: () => (taken++ % 4) * 10 });
    const second = await sinkOf();
    const running = await start({ SMTP_URL: `${first.url} ${second.url}` });
    const port = Number(new URL(first.url).port);
    const accepted: string[] = [];
    const sending = (async () => {
      for (let round = 0; round < 10; round += 1) accepted.push(...(await sendMany(running, 100)));
    })();
    await first.waitFor(200);
    await first.stop();
    await sending;
    const messages = await allOf(running, accepted);
    expect(messages.filter(({ status }) => status !== 'sent')).toEqual([]);
    expect(accepted).toHaveLength(1000);
    const copies = copiesByMessage([...first.received, ...second.received]);
    for (const { id, attempts } of messages) {
      const inDoubt = attempts.filter(({ outcome }) => outcome === 'ambiguous').length;
      expect(copies.get(id)).toBeGreaterThanOrEqual(1);
      expect(copies.get(id)).toBeLessThanOrEqual(1 + inDoubt);
    }
    const back = await sinkOf({ port });
    await until(
      () => readyOf(running),
      ({ status }) => status === 'ok',
    );
    await ended(running.tidings, await send(running));
    expect(back.received).toHaveLength(1);
  }, 60_000);
});

const isWaiting = ({ status, reason }: { status: string; reason?: string | null }) =>
  status === 'queued' || reason === 'provider_unavailable';

describe('the breaker', () => {
  test('while it is open nothing is tried, and when the provider is well all goes out', async () => {
    const gone = await away();
    const running = await start({ SMTP_URL: gone.url });
    const first = await send(running, { lane: 'critical' });
    await until(
      () => running.tidings.messages.get.query({ id: first }),
      ({ attempts }) => attempts.length > 0,
    );
    const ids = await sendMany(running, 300);
    // Those that are accepted while others wait in SQL stay behind them, and nobody asks about them yet.
    await until(
      () => running.tidings.notifications.list.query({ status: 'accepted', limit: 100 }),
      ({ items }) =>
        items.every(({ messages: [message] }) => message && isWaiting(message)) &&
        items.some(({ messages: [message] }) => message?.reason === 'provider_unavailable'),
    );
    const waiting = await Promise.all(ids.map((id) => running.tidings.messages.get.query({ id })));
    expect(waiting.every(isWaiting)).toBe(true);
    expect(waiting.flatMap(({ attempts }) => attempts)).toEqual([]);
    expect(waiting.every(({ failures, endedAt }) => failures === 0 && endedAt === null)).toBe(true);
    expect(await readyOf(running)).toMatchObject({
      status: 'degraded',
      checks: { 'provider smtp': expect.stringMatching(/^(half_)?open: provider_unavailable/) },
    });
    const back = await sinkOf({ port: gone.port });
    const messages = await allOf(running, [first, ...ids]);
    expect(messages.every(({ status, failures }) => status === 'sent' && failures === 0)).toBe(true);
    expect(messages.slice(1).every(({ attempts }) => attempts.length === 1)).toBe(true);
    expect(back.received).toHaveLength(301);
    expect((await readyOf(running)).status).toBe('ok');
  });

  test('a server that greets and then refuses every mail gets one at a time, and less often each time', async () => {
    let isBusy = true;
    const server = await scripted({ mail: () => (isBusy ? '421 4.3.2 Busy' : '250 2.1.0 Ok') });
    const running = await start({ SMTP_URL: server.url });
    const ids = await sendMany(running, 200);
    // What was in hand when the first was turned away has been, too.
    await until(
      () => Promise.all(ids.map((id) => running.tidings.messages.get.query({ id }))),
      (messages) => messages.filter(({ reason }) => reason === 'provider_unavailable').length >= 199,
    );
    const from = server.commands.length;
    const since = (word: string) =>
      server.commands.slice(from).filter((line) => line.startsWith(word)).length;
    await until(
      () => since('MAIL'),
      (count) => count >= 5,
    );
    // Each trial is one mail, after a probe, which says goodbye.
    expect(since('MAIL')).toBeLessThanOrEqual(since('QUIT') + 1);
    isBusy = false;
    const messages = await allOf(running, ids);
    expect(messages.every(({ status, failures }) => status === 'sent' && failures === 0)).toBe(true);
  });

  test('connections that are lost in a row open it, replies to single messages do not', async () => {
    let isBroken = true;
    const server = await scripted({ mail: () => (isBroken ? 'drop' : '250 2.1.0 Ok') });
    const running = await start({ SMTP_URL: server.url });
    const ids = await sendMany(running, 40);
    await until(
      () => readyOf(running),
      ({ status }) => status === 'degraded',
    );
    isBroken = false;
    const messages = await allOf(running, ids);
    expect(messages.every(({ status }) => status === 'sent')).toBe(true);
    const refusing = await scripted({ rcpt: '550 5.7.1 Not here' });
    await routeOver(running, [refusing.url]);
    const refused = await allOf(running, await sendMany(running, 40));
    expect(refused.at(-1)).toMatchObject({ status: 'failed', reason: 'rejected' });
    expect((await readyOf(running)).status).toBe('ok');
  });
});

describe('a route of a project', () => {
  test('is that project’s alone', async () => {
    const [theirs, instances] = [await sinkOf(), await sinkOf()];
    const running = await start({ SMTP_URL: instances.url });
    const { admin } = await routeOver(running, [theirs.url]);
    await admin.projects.create.mutate({ key: 'other', name: 'Other' });
    const { accessToken } = await createTidings({ url: running.url }).auth.login.mutate(owner);
    const inOther = createTidings({ url: running.url, accessToken: () => accessToken, project: 'other' });
    await ended(running.tidings, await send(running));
    const { messages } = await inOther.notifications.send.mutate({
      to: { email: 'eve@example.com' },
      content,
    });
    await ended(inOther, messages[0]?.id ?? '');
    expect([theirs.received.length, instances.received.length]).toEqual([1, 1]);
    expect(instances.received[0]?.recipients).toEqual(['eve@example.com']);
  });

  test('whose providers are switched off waits for one to be switched on', async () => {
    const sink = await sinkOf();
    const running = await start();
    const { admin, ids } = await routeOver(running, [sink.url]);
    await admin.providers.update.mutate({ id: ids[0] ?? '', enabled: false });
    // Those that go out before the workers have heard of it are none of ours.
    const sendUntilHeld = async (): Promise<string> => {
      const one = await send(running);
      const { endedAt } = await until(
        () => running.tidings.messages.get.query({ id: one }),
        ({ reason, endedAt }) => reason === 'provider_unavailable' || endedAt !== null,
      );
      return endedAt === null ? one : sendUntilHeld();
    };
    const id = await sendUntilHeld();
    expect((await running.tidings.messages.get.query({ id })).attempts).toEqual([]);
    await admin.providers.update.mutate({ id: ids[0] ?? '', enabled: true });
    expect(await ended(running.tidings, id)).toMatchObject({ status: 'sent', failures: 0 });
  }, 30_000);

  test('opens no more connections to a provider than it may have', async () => {
    const server = await scripted();
    const running = await start();
    await routeOver(running, [server.url], { connections: 2 });
    const ids = await sendMany(running, 100);
    await allOf(running, ids);
    expect([server.messages.length, server.connections.most]).toEqual([100, 2]);
  });

  test('hands a provider no more a second than it may have', async () => {
    const sink = await sinkOf();
    const running = await start();
    await routeOver(running, [sink.url], { perSecond: 20 });
    const ids = await sendMany(running, 60);
    const messages = await allOf(running, ids);
    expect(messages.every(({ status, attempts }) => status === 'sent' && attempts.length === 1)).toBe(true);
    const times = sink.received.map(({ at }) => at).sort((a, b) => a - b);
    // A busy machine may delay one mail by a second more than another.
    const busiest = times.map((start) => times.filter((at) => at >= start && at < start + 1000).length);
    expect(Math.max(...busiest)).toBeLessThanOrEqual(22 + 20);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(2000);
  });
});
