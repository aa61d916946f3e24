import { parseSmtpUrl } from '@tidings/runtime';

/**
 * What a server learns at AUTH and may quote: the password, as it is and as it stands in the URL, and the lines that
 * carry it by PLAIN (RFC 4616 §2) and LOGIN. The longest come first, for one may be part of another.
 */
export function smtpSecretsOf(url: string): string[] {
  const { credentials } = parseSmtpUrl(url);
  if (!credentials) return [];
  const { user, pass } = credentials;
  const plain = [pass, new URL(url).password, encodeURIComponent(pass)];
  const sent = [pass, `\0${user}\0${pass}`].map(base64);
  return [...new Set([...plain, ...sent])].toSorted((a, b) => b.length - a.length);
}

/** Without the padding, which whoever quotes it may leave out. */
function base64(text: string): string {
  return Buffer.from(text).toString('base64').replace(/=+$/, '');
}
