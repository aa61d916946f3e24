import { createDecipheriv, createECDH, createHmac, randomBytes } from 'node:crypto';

/** A browser's side of a Web Push subscription. */
export interface TestSubscription {
  /** What the application gets: RFC 8291 §3.1 and §3.2, in base64url. */
  keys: { p256dh: string; auth: string };
  /** What the application wrote. Throws when the octets are not as RFC 8291 says. */
  decrypt(body: Buffer): Buffer;
}

/** With keys of its own, or with the given ones, in base64url. */
export function makeSubscription(given?: { privateKey: string; auth: string }): TestSubscription {
  const curve = createECDH('prime256v1');
  if (given) curve.setPrivateKey(Buffer.from(given.privateKey, 'base64url'));
  else curve.generateKeys();
  const auth = given ? Buffer.from(given.auth, 'base64url') : randomBytes(16);
  const ours = curve.getPublicKey();

  /** RFC 8188 §2 for the octets, RFC 8291 §3.3 and §3.4 for the keys, step by step. */
  function decrypt(body: Buffer): Buffer {
    const salt = body.subarray(0, 16);
    const recordSize = body.readUInt32BE(16);
    const theirs = body.subarray(21, 21 + body.readUInt8(20));
    const record = body.subarray(21 + theirs.length);
    if (theirs.length !== 65) throw new Error('the key id is no public key');
    // RFC 8291 §4: one record only.
    if (record.length > recordSize) throw new Error('more than one record');
    const sharedSecret = hmac(auth, curve.computeSecret(theirs));
    const keyInfo = Buffer.concat([Buffer.from('WebPush: info\0'), ours, theirs]);
    const pseudoRandomKey = hmac(salt, expand(sharedSecret, keyInfo, 32));
    const contentKey = expand(pseudoRandomKey, Buffer.from('Content-Encoding: aes128gcm\0'), 16);
    const nonce = expand(pseudoRandomKey, Buffer.from('Content-Encoding: nonce\0'), 12);
    const decipher = createDecipheriv('aes-128-gcm', contentKey, nonce);
    decipher.setAuthTag(record.subarray(-16));
    const padded = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
    // The delimiter of the last record, and zeros.
    const end = padded.lastIndexOf(2);
    if (end < 0 || padded.subarray(end + 1).some((octet) => octet !== 0)) throw new Error('bad padding');
    return padded.subarray(0, end);
  }

  return { keys: { p256dh: ours.toString('base64url'), auth: auth.toString('base64url') }, decrypt };
}

function hmac(key: Buffer, data: Buffer): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** The first block of HKDF-Expand (RFC 5869 §2.3). */
function expand(key: Buffer, info: Buffer, length: number): Buffer {
  return hmac(key, Buffer.concat([info, Buffer.from([1])])).subarray(0, length);
}
