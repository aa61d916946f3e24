import { isIP } from 'node:net';

/**
 * The address that a request comes from: with `trustProxy` proxies of ours in front, the one that the outermost
 * of them saw, which is so many from the right in `X-Forwarded-For`. What stands further left anyone may have
 * written. Without proxies, or where the header does not say an address there, it is the peer's.
 */
export function addressOf(headers: Headers, peer: string, trustProxy: number): string {
  const seen = trustProxy === 0 ? undefined : fromRight(headers.get('x-forwarded-for'), trustProxy);
  return bare(seen) ?? bare(peer) ?? '';
}

/** What the outermost trusted proxy was asked by, `https` or `http`; undefined where none says so. */
export function protocolOf(headers: Headers, trustProxy: number): string | undefined {
  if (trustProxy === 0) return undefined;
  const header = headers.get('x-forwarded-proto');
  // Proxies replace this header more often than they add to it.
  return fromRight(header, trustProxy) ?? fromRight(header, 1);
}

function fromRight(list: string | null, place: number): string | undefined {
  if (list === null) return undefined;
  return list.split(',').at(-place)?.trim();
}

/** An IP address without port or brackets, and an IPv4 address as such. */
function bare(text = ''): string | undefined {
  const [, inBrackets] = /^\[(.+)\](?::\d+)?$/.exec(text) ?? [];
  const [, beforePort] = /^([\d.]+):\d+$/.exec(text) ?? [];
  const address = (inBrackets ?? beforePort ?? text).replace(/^::ffff:(?=[\d.]+$)/i, '');
  return isIP(address) === 0 ? undefined : address;
}
