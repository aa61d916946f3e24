import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { Config } from './config.ts';
import { findSecrets, keysFrom, type Secrets } from './secrets.ts';

/** Keeps secrets in the record so that whoever reads only the record cannot use them. */
export interface Seal {
  /**
   * Encrypts a text. `context` says what it belongs to, such as the id of its row: it opens under the same one only,
   * so that nobody who can write the record can give one row the secret of another.
   */
  seal(text: string, context: string): string;
  /** @throws SealError when it was sealed under a key that is not given, elsewhere, or was changed. */
  open(sealed: string, context: string): string;
}

/** A sealed text cannot be opened. Its message holds neither key nor text. */
export class SealError extends Error {
  override readonly name = 'SealError';
}

/**
 * A seal of AES-256-GCM (NIST SP 800-38D) under keys derived from secrets by HKDF-SHA256 (RFC 5869). The first secret
 * seals, all of them open; which one it was stands in front: `v1.<key id>.<nonce>.<ciphertext and tag>`, base64url.
 *
 * @param options.secrets 32 characters or more each, the current one first
 */
export function createSeal({ secrets }: { secrets: Secrets }): Seal {
  const [current, ...others] = keysFrom(secrets, 'seal').map(named);
  if (current === undefined) throw new Error('a seal needs a secret');
  const keys = [current, ...others];

  return {
    seal(text, context) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', current.key, nonce).setAAD(Buffer.from(context));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return ['v1', current.id, nonce.toString('base64url'), sealed.toString('base64url')].join('.');
    },
    open(sealed, context) {
      const [version, id, nonce = '', rest = ''] = sealed.split('.');
      const key = keys.find((one) => one.id === id)?.key;
      if (version !== 'v1' || key === undefined) {
        throw new SealError('it was sealed under a key that is not given (ENCRYPTION_KEY)');
      }
      try {
        const bytes = Buffer.from(rest, 'base64url');
        const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'), {
          authTagLength: 16,
        })
          .setAAD(Buffer.from(context))
          .setAuthTag(bytes.subarray(-16));
        return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8');
      } catch (error) {
        throw new SealError('it was changed, or sealed for something else', { cause: error });
      }
    },
  };
}

function named(key: Buffer): { id: string; key: Buffer } {
  return { id: createHash('sha256').update(key).digest('hex').slice(0, 8), key };
}

/**
 * The seal of this environment: `ENCRYPTION_KEY`, else a secret that is made once and kept in
 * `DATA_DIR/encryption-key`. Every process that delivers, and the API, need the same.
 *
 * @throws ConfigError when the file holds no secret.
 */
export function findSeal(
  config: Pick<Config, 'DATA_DIR' | 'ENCRYPTION_KEY' | 'ENCRYPTION_KEY_PREVIOUS'>,
): Seal {
  return createSeal({
    secrets: findSecrets({
      dataDir: config.DATA_DIR,
      file: 'encryption-key',
      name: 'ENCRYPTION_KEY',
      given: config.ENCRYPTION_KEY,
      previous: config.ENCRYPTION_KEY_PREVIOUS,
    }),
  });
}
