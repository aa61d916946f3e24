import { generateKeyPairSync } from 'node:crypto';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import type { DkimKey } from '../../apps/workers/src/providers/dkim.ts';

/** A key to sign with, and what the DNS and a receiver would make of it. */
export interface TestDkimKey {
  key: DkimKey;
  /** What a receiver says of a mail's signatures: `pass`, or why not. Another implementation than the one that signs. */
  verify(raw: Buffer): Promise<Array<{ result: string; signed: string[] }>>;
}

/** An RSA key of `bits` for acme.example. */
export function makeDkimKey({ bits = 2048 } = {}): TestDkimKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const [domain, selector] = ['acme.example', 'tidings'];
  const published = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  async function resolver(name: string, type: string): Promise<string[][]> {
    if (name === `${selector}._domainkey.${domain}` && type === 'TXT') {
      return [[`v=DKIM1; k=rsa; p=${published}`]];
    }
    throw Object.assign(new Error(`no ${type} of ${name}`), { code: 'ENOTFOUND' });
  }
  return {
    key: { domain, selector, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
    async verify(raw) {
      const { results } = await dkimVerify(raw, { resolver });
      return results.map(({ status, signingHeaders }) => ({
        result: String(status.result),
        signed: (signingHeaders?.keys ?? '').toLowerCase().split(/\s*:\s*/),
      }));
    },
  };
}
