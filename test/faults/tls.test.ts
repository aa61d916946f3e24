import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startToxicProxy } from '../support/toxic-proxy.ts';
import { until } from '../support/until.ts';
import { onlyIfAll, runsAll } from './all.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { freshKeys } from './recording-client.ts';

vi.setConfig({ testTimeout: 120_000 });

const cleanUp: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

const mails = 20;
const dayMs = 86_400_000;
const good = makeCertificate();
const expired = makeCertificate({ from: Date.now() - 3 * dayMs, to: Date.now() - 2 * dayMs });
const foreign = makeCertificate();

/** The workers trust the good one and the one that has expired. */
function trusted(): Record<string, string> {
  const dir = tempDir();
  cleanUp.push(dir.remove);
  const path = join(dir.path, 'authorities.pem');
  writeFileSync(path, good.cert + expired.cert);
  return { NODE_EXTRA_CA_CERTS: path };
}

async function startOn(options: Parameters<typeof openCluster>[0]): Promise<Cluster> {
  const cluster = await openCluster({ ...options, env: trusted() });
  cleanUp.push(cluster.stop);
  await cluster.startApi();
  await cluster.startWorker();
  return cluster;
}

/**
 * Mails are held for this reason while the fault lasts, none arrives, and no failure is counted. When it is over
 * all go out, once, by themselves.
 */
async function expectHeld(cluster: Cluster, reasons: RegExp, mend: () => unknown): Promise<void> {
  for (const key of freshKeys(mails)) await cluster.client.sendSurely(key);
  await until(
    () => cluster.record(),
    ({ messages }) => messages.some(({ attempts }) => attempts.some(({ outcome }) => outcome === 'held')),
  );
  await mend();
  const backAt = Date.now();
  const { record, copies } = await cluster.expectInvariants({ drain: { from: backAt, withinMs: 5000 } });
  const attempts = record.messages.flatMap((message) => message.attempts);
  const held = attempts.filter(({ outcome }) => outcome === 'held');
  for (const { reason } of held) expect(reason).toMatch(reasons);
  expect(attempts).toHaveLength(held.length + mails);
  expect(record.messages.map(({ failures }) => failures)).toEqual(Array(mails).fill(0));
  expect(Math.min(...copies.map(({ at }) => at))).toBeGreaterThanOrEqual(backAt - 50);
  expect(copies).toHaveLength(mails);
}

describe('a mail server with a certificate that does not do', () => {
  test.each([
    ['nobody vouches for it, by STARTTLS', foreign, 'starttls'] as const,
    ...onlyIfAll(['nobody vouches for it, by smtps', foreign, 'implicit'] as const),
    ...onlyIfAll(['it has expired, by STARTTLS', expired, 'starttls'] as const),
    ...onlyIfAll(['it has expired, by smtps', expired, 'implicit'] as const),
  ])('%s: held as a fault of the configuration until it has a good one', async (_, certificate, tls) => {
    const sink = await startSmtpSink({ tls, certificate });
    cleanUp.push(sink.stop);
    const cluster = await startOn({ smtpUrl: sink.url, received: sink.received });
    await expectHeld(cluster, /^provider_configuration$/, () => sink.useCertificate(good));
  });
});

test('STARTTLS is demanded and not offered: nothing goes out in the clear, and all when it is offered', async () => {
  const bare = await startSmtpSink();
  const cluster = await startOn({ smtpUrl: `${bare.url}?requireTls=true`, received: bare.received });
  const port = Number(new URL(bare.url).port);
  await expectHeld(cluster, /^provider_(configuration|unavailable)$/, async () => {
    await bare.stop();
    expect(bare.received).toHaveLength(0);
    const secure = await startSmtpSink({ port, tls: 'starttls', certificate: good, received: bare.received });
    cleanUp.push(secure.stop);
  });
});

test
  .skipIf(!runsAll)
  .each([['starttls', 60] as const, ['implicit', 60] as const, ['starttls', 400] as const])(
  '%s: cut within the handshake, after %i octets: held, and all are sent once',
  async (tls, cutAfterBytes) => {
    const sink = await startSmtpSink({ tls, certificate: good });
    const proxy = await startToxicProxy(Number(new URL(sink.url).port));
    cleanUp.push(sink.stop, proxy.stop);
    proxy.poison({ cutAfterBytes });
    const url = new URL(sink.url);
    url.port = `${proxy.port}`;
    const cluster = await startOn({ smtpUrl: url.href, received: sink.received });
    await expectHeld(cluster, /^provider_(configuration|unavailable)$/, () => proxy.heal());
  },
);
