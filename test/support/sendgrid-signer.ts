/** Signs as SendGrid's signed event webhook does, by WebCrypto. */
export interface SendGridSigner {
  /** The verification key as SendGrid shows it. */
  publicKey: string;
  /** The headers of a request with this body; `at` is in milliseconds since the epoch. */
  headersOf(body: string, at?: number): Promise<{ signature: string; timestamp: string }>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };

export async function createSendGridSigner(): Promise<SendGridSigner> {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const exported = await crypto.subtle.exportKey('spki', publicKey);
  return {
    publicKey: Buffer.from(exported).toString('base64'),
    headersOf: async (body, at = Date.now()) => {
      const timestamp = String(Math.floor(at / 1000));
      const signed = new TextEncoder().encode(timestamp + body);
      const raw = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, signed);
      return { signature: derOf(Buffer.from(raw)).toString('base64'), timestamp };
    },
  };
}

/** WebCrypto has the two numbers one after the other; SendGrid a SEQUENCE of two INTEGERs (RFC 3279 §2.2.3). */
function derOf(raw: Buffer): Buffer {
  const numbers = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))]);
  return Buffer.concat([Buffer.from([0x30, numbers.length]), numbers]);
}

function integer(octets: Buffer): Buffer {
  const first = octets.findIndex((octet) => octet !== 0);
  const significant = octets.subarray(first === -1 ? octets.length - 1 : first);
  const isNegative = ((significant[0] ?? 0) & 0x80) !== 0;
  const value = isNegative ? Buffer.concat([Buffer.from([0]), significant]) : significant;
  return Buffer.concat([Buffer.from([0x02, value.length]), value]);
}
