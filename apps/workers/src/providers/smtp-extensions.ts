/** What a server can do beyond RFC 5321, as far as it is of use here. */
export interface SmtpExtensions {
  /** RFC 2920. */
  pipelining: boolean;
  /** RFC 6531. */
  smtpUtf8: boolean;
  /** RFC 1870: undefined without the extension, 0 without a fixed limit. */
  maxMessageBytes: number | undefined;
}

/** Reads the reply to EHLO: after its first line, a keyword and its parameters on each (RFC 5321 §4.1.1.1). */
export function readExtensions(ehloReply: string): SmtpExtensions {
  const announced = new Map<string, string>();
  for (const line of ehloReply.split('\n').slice(1)) {
    const [keyword = '', parameter = ''] = line.slice(4).trim().split(/\s+/);
    announced.set(keyword.toUpperCase(), parameter);
  }
  const size = announced.get('SIZE');
  return {
    pipelining: announced.has('PIPELINING'),
    smtpUtf8: announced.has('SMTPUTF8'),
    maxMessageBytes: size === undefined ? undefined : Number(size) || 0,
  };
}
