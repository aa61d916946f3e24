import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** What a TLS server shows, in PEM. */
export interface Certificate {
  key: string;
  cert: string;
}

/**
 * A self-signed certificate (X.509 v3, RFC 5280) of 127.0.0.1 and of `names`, which is its own authority: whoever is
 * given it as one trusts it. The dates are milliseconds since the epoch.
 */
export function makeCertificate(options: { from?: number; to?: number; names?: string[] } = {}): Certificate {
  const { from = Date.now() - 86_400_000, to = Date.now() + 86_400_000, names = [] } = options;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
  const name = sequence(set(sequence(oid('550403'), der(0x0c, Buffer.from(randomBytes(8).toString('hex'))))));
  const alternativeName = sequence(
    der(0x87, Buffer.from([127, 0, 0, 1])),
    ...names.map((one) => der(0x82, Buffer.from(one))),
  );
  const isAuthority = sequence(der(0x01, Buffer.from([0xff])));
  const extensions = sequence(
    sequence(oid('551d11'), der(0x04, alternativeName)),
    sequence(oid('551d13'), der(0x04, isAuthority)),
  );
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    // Positive, and no shorter for a leading zero.
    der(0x02, Buffer.concat([Buffer.from([0x01]), randomBytes(8)])),
    ecdsaWithSha256,
    name,
    sequence(time(from), time(to)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const whole = sequence(toBeSigned, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString('base64').replaceAll(/.{64}/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}

/** One value in DER (X.690): tag, length, contents. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const contents = Buffer.concat(parts);
  const { length } = contents;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), contents]);
}

const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const set = (...parts: Buffer[]) => der(0x31, ...parts);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));

/** GeneralizedTime, to the second. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14);
  return der(0x18, Buffer.from(`${digits}Z`));
}
