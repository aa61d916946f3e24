import { createPrivateKey, type KeyObject } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import DKIM from 'nodemailer/lib/dkim';

/** What mails are signed with (RFC 6376), and where receivers find the public key: `<selector>._domainkey.<domain>`. */
export interface DkimKey {
  domain: string;
  selector: string;
  /** PEM of an RSA key. */
  privateKey: string;
}

/** Puts a signature before a mail. The same octets are given the same one, for it has no time of its own. */
export type SignEmail = (raw: Buffer) => Promise<Buffer>;

// What a mail says of itself (RFC 6376 §5.4.1), what RFC 8058 §4 demands, and what Gmail takes complaints by.
const signedFields = [
  ...['From', 'To', 'Reply-To', 'Subject', 'Date', 'Message-ID', 'In-Reply-To', 'References'],
  ...['MIME-Version', 'Content-Type', 'Content-Transfer-Encoding', 'Content-Disposition', 'Content-ID'],
  ...['List-Unsubscribe', 'List-Unsubscribe-Post', 'List-Id', 'List-Help', 'List-Post', 'List-Archive'],
  ...['List-Owner', 'List-Subscribe', 'Feedback-ID', 'Auto-Submitted', 'Precedence'],
].join(':');

/**
 * Signs with rsa-sha256, relaxed/relaxed.
 *
 * @throws at once when the key is not an RSA key that receivers trust (RFC 8301 §3.2)
 */
export function createDkimSigner({ domain, selector, privateKey }: DkimKey): SignEmail {
  const signer = new DKIM({
    domainName: domain,
    keySelector: selector,
    privateKey: readRsaKey(privateKey),
    headerFieldNames: signedFields,
  });
  return (raw) => buffer(signer.sign(raw));
}

function readRsaKey(pem: string): KeyObject {
  const key = parseKey(pem);
  const bits = key?.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key?.asymmetricKeyType === 'rsa' && bits >= 1024) return key;
  throw new Error('is not a readable RSA key of 1,024 bits or more');
}

function parseKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
