import { createPublicKey, type KeyObject } from 'node:crypto';

/**
 * A public key on the curve P-256, as SendGrid shows that of its event webhook: DER (SubjectPublicKeyInfo, RFC 5480 §2)
 * in base64.
 *
 * @throws Error when it is something else
 */
export function readP256PublicKey(base64: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new Error('must be a public key, DER in base64', { cause });
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new Error('must be a key on the curve P-256');
  return key;
}
