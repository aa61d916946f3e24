import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { makeDkimKey } from '../../../../test/support/dkim-key.ts';
import { type SmtpSink, startSmtpSink } from '../../../../test/support/smtp-sink.ts';
import { createDkimSigner } from './dkim.ts';
import { createEmailComposer } from './email-composer.ts';
import type { Delivery, RenderedEmail } from './provider.ts';
import { createSmtpProvider } from './smtp.ts';

const { key, verify } = makeDkimKey();
const from = 'Acme <hello@acme.example>';

const file = { filename: 'größe.bin', contentType: 'application/pdf', content: 'AP8NCi4NCg==' };
const shapes: Record<string, Partial<RenderedEmail>> = {
  'text alone': { text: 'Hello' },
  'HTML alone': { html: '<p>Hello</p>' },
  both: { text: 'Hello', html: '<p>Hello</p>' },
  nothing: { text: '' },
  'spaces, tabs and empty lines at ends': { text: '  a \t b \t\n\n\n \n', html: 'x  \n\n' },
  'lines of a dot': { text: '.\n..\n.a\n.' },
  'any script': { subject: 'Grüße 日本語 😀 '.repeat(20), text: 'Grüße 日本語 😀'.repeat(50) },
  'long lines': { subject: 'x'.repeat(300), html: 'y'.repeat(5000) },
  'headers and answers': {
    text: 'Hello',
    replyTo: ['Zoë <help@acme.example>', 'b@acme.example'],
    headers: [
      { name: 'X-Note', value: 'ü '.repeat(80) },
      { name: 'In-Reply-To', value: '<1@acme.example>' },
    ],
  },
  'a place to unsubscribe': { text: 'Hello', unsubscribeUrl: `https://acme.example/u/${'t'.repeat(100)}` },
  'a file': { text: 'Hello', attachments: [file] },
  'all of it': {
    text: 'Hello',
    html: '<img src="cid:logo">',
    replyTo: ['help@acme.example'],
    headers: [{ name: 'Feedback-ID', value: 'a:b' }],
    unsubscribeUrl: 'https://acme.example/u/1',
    attachments: [file, { ...file, contentType: 'image/png', contentId: 'logo' }],
  },
};

function delivery(content: Partial<RenderedEmail>): Delivery<RenderedEmail> {
  return {
    messageId: 'msg_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1',
    address: 'ada@example.com',
    platform: null,
    toName: 'Ada Lövelace',
    date: Date.UTC(2027, 1, 3),
    content: { channel: 'email', subject: 'Hello', ...content },
  };
}

describe('a signature', () => {
  let sink: SmtpSink | undefined;
  afterEach(() => sink?.stop());

  test('of every shape of mail is verified by a receiver, over a real SMTP socket', async () => {
    sink = await startSmtpSink();
    const provider = createSmtpProvider({ url: sink.url, from, dkim: key });
    const { compose } = createEmailComposer({ from, dkim: key });
    for (const [shape, content] of Object.entries(shapes)) {
      expect(await provider.send(delivery(content)), shape).toMatchObject({ outcome: 'sent' });
      const raw = sink.received.at(-1)?.raw ?? Buffer.of();
      expect(await verify(raw), shape).toMatchObject([{ result: 'pass' }]);
      expect(raw.equals(await compose(delivery(content))), shape).toBe(true);
    }
    await provider.close();
  });

  test('covers what a mail says of itself, where answers go and how to unsubscribe', async () => {
    const { compose } = createEmailComposer({ from, dkim: key });
    const [signature] = await verify(await compose(delivery(shapes['all of it'] ?? {})));
    expect(signature?.signed).toEqual(
      expect.arrayContaining([
        ...['from', 'to', 'subject', 'date', 'message-id', 'mime-version', 'content-type', 'reply-to'],
        ...['list-unsubscribe', 'list-unsubscribe-post', 'feedback-id'],
      ]),
    );
  });

  test('is the same for every copy, and before it stands the mail as it would be without', async () => {
    const [signed, plain] = [createEmailComposer({ from, dkim: key }), createEmailComposer({ from })];
    for (const content of Object.values(shapes)) {
      const [raw, copy] = [await signed.compose(delivery(content)), await signed.compose(delivery(content))];
      expect(raw.equals(copy)).toBe(true);
      const without = await plain.compose(delivery(content));
      expect(raw.subarray(-without.length).equals(without)).toBe(true);
      expect(raw.toString()).toMatch(
        /^DKIM-Signature: v=1; a=rsa-sha256; c=relaxed\/relaxed; d=acme\.example;/,
      );
      expect(without.toString()).not.toContain('DKIM-Signature');
    }
  });

  test.each([
    'text',
    'X',
    'Hello',
    'ada@example.com',
    'Ada',
    'msg_',
    'acme.example/u',
    '2027',
    'application/pdf',
    'AP8N',
  ])('does not outlive a changed octet in %s', async (where) => {
    const { compose } = createEmailComposer({ from, dkim: key });
    const content = {
      ...shapes['all of it'],
      headers: [{ name: 'References', value: '<X@acme.example>' }],
      text: 'text',
    };
    const raw = await compose(delivery(content));
    const at = raw.lastIndexOf(where);
    expect(at).toBeGreaterThan(0);
    raw[at] = (raw[at] ?? 0) ^ 1;
    expect(await verify(raw)).not.toMatchObject([{ result: 'pass' }]);
  });
});

describe('a key', () => {
  const pemOf = (privateKey: KeyObject, type: 'pkcs8' | 'pkcs1' = 'pkcs8') =>
    privateKey.export({ type, format: 'pem' }).toString();
  const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey;

  test.each([
    ['of 1,024 bits', pemOf(rsa(1024))],
    ['in PKCS #1', pemOf(rsa(1024), 'pkcs1')],
  ])('%s is good', (_, privateKey) => {
    expect(() => createDkimSigner({ ...key, privateKey })).not.toThrow();
  });

  test.each([
    ['of 1,023 bits', pemOf(rsa(1023))],
    ['of another kind', pemOf(generateKeyPairSync('ed25519').privateKey)],
    [
      'that is public',
      generateKeyPairSync('rsa', { modulusLength: 1024 })
        .publicKey.export({ type: 'spki', format: 'pem' })
        .toString(),
    ],
    [
      'under a passphrase',
      rsa(1024).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
    ],
    ['that is none', 's3cret'],
  ])('%s is refused at once', (_, privateKey) => {
    expect(() => createDkimSigner({ ...key, privateKey })).toThrow(
      /^is not a readable RSA key of 1,024 bits or more$/,
    );
  });
});
