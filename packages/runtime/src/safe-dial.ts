import { Resolver } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { buildConnector } from 'undici';

/** An address of a host, as `dns.lookup` gives it. */
export interface HostAddress {
  address: string;
  family: number;
}

/** Every address of a host name; rejects when there is none. */
export type Resolve = (hostname: string) => Promise<HostAddress[]>;

/** Nothing was connected to: it is not an address that users may name. Its message has the host, not the path. */
export class UnsafeTarget extends Error {
  override readonly name = 'UnsafeTarget';
  readonly code = 'EUNSAFE';
}

/**
 * What no user may have us connect to: the IANA special-purpose registries of IPv4 (RFC 6890) and multicast.
 * Cloud metadata is among them: 169.254.169.254, 100.100.100.200, 192.0.0.192.
 */
const special4 = [
  '0.0.0.0/8', // this network (RFC 791)
  '10.0.0.0/8', // private (RFC 1918)
  '100.64.0.0/10', // carrier-grade NAT (RFC 6598)
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // the platform's own services in Azure
  '169.254.0.0/16', // link-local (RFC 3927)
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation (RFC 5737)
  '192.31.196.0/24', // AS112 (RFC 7535)
  '192.52.193.0/24', // AMT (RFC 7450)
  '192.88.99.0/24', // 6to4 relays (RFC 7526)
  '192.168.0.0/16', // private
  '192.175.48.0/24', // AS112 (RFC 7534)
  '198.18.0.0/15', // benchmarks (RFC 2544)
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
];

/**
 * Of IPv6 only this is global unicast (RFC 4291 §2.4). Beyond it are loopback, unspecified, IPv4-mapped, NAT64
 * (64:ff9b::/96, 64:ff9b:1::/48), unique local, link-local, site-local and multicast.
 */
const global6 = ['2000::/3'];

/** What within it leads elsewhere or nowhere. */
const special6 = [
  '2001::/23', // protocol assignments, such as Teredo
  '2001:db8::/32', // documentation (RFC 3849)
  '2002::/16', // 6to4, which has an IPv4 address within (RFC 3056)
  '3fff::/20', // documentation (RFC 9637)
];

const isSpecial4 = networksOf(special4);
const isGlobal6 = networksOf(global6);
const isSpecial6 = networksOf(special6);

/** Whether an address is public unicast. What is no address is not. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !isSpecial4(address);
  return isIP(address) === 6 && isGlobal6(address) && !isSpecial6(address);
}

/**
 * A `connect` for undici that opens connections to public addresses only, for URLs that users name. It resolves
 * the name itself, once, refuses it when any of its addresses is not public, and connects to one of exactly
 * those: an answer that changes between check and use (DNS rebinding) changes nothing. The name stays what the
 * certificate must be for. Only https on port 443.
 *
 * It checks each connection, and a redirect needs another one: but whoever follows redirects tells the request's
 * headers to strangers.
 *
 * `allowedNetworks` are networks (CIDR) that are reached besides, by http and on any port too. Names come from DNS
 * alone, not from /etc/hosts. Fails with `UnsafeTarget`, or with what DNS, TCP or TLS said.
 */
export function createSafeConnector(
  options: {
    allowedNetworks?: readonly string[];
    resolve?: Resolve;
    /** TCP and TLS together. */
    timeoutMs?: number;
    tls?: Pick<ConnectionOptions, 'ca'>;
  } = {},
): buildConnector.connector {
  const { allowedNetworks = [], resolve = createResolve(), timeoutMs = 10_000, tls = {} } = options;
  const isAllowed = networksOf(allowedNetworks);

  /** Throws unless every one of the addresses may be connected to. */
  function check(host: string, addresses: readonly string[], isUsual: boolean): void {
    if (addresses.length === 0) throw new UnsafeTarget(`${host} has no address`);
    for (const address of addresses) {
      if (isAllowed(address)) continue;
      if (!isPublicAddress(address)) throw new UnsafeTarget(`${host} is not a public address`);
      if (!isUsual) throw new UnsafeTarget(`${host} may be reached by https on port 443 only`);
    }
  }

  /** A connector whose only look-up is the one that checks. */
  function connectorFor(isUsual: boolean): buildConnector.connector {
    const lookup: LookupFunction = (hostname, { all }, callback) => {
      resolve(hostname).then(
        (found) => {
          try {
            check(
              hostname,
              found.map(({ address }) => address),
              isUsual,
            );
          } catch (error) {
            callback(error as UnsafeTarget, '', 0);
            return;
          }
          if (all) callback(null, found);
          else callback(null, found[0]?.address ?? '', found[0]?.family);
        },
        (error) => callback(error, '', 0),
      );
    };
    return buildConnector({ ...tls, timeout: timeoutMs, lookup, autoSelectFamily: true });
  }

  const usual = connectorFor(true);
  const unusual = connectorFor(false);

  return (target, callback) => {
    const { protocol, port } = target;
    const isUsual = protocol === 'https:' && (port === '' || port === '443');
    const host = target.hostname.replace(/^\[(.*)\]$/, '$1');
    try {
      // Of a literal address nobody asks the look-up.
      if (isIP(host) !== 0) check(host, [host], isUsual);
    } catch (error) {
      callback(error as UnsafeTarget, null);
      return;
    }
    (isUsual ? usual : unusual)({ ...target, hostname: host }, callback);
  };
}

/**
 * Asks DNS itself. The system's `getaddrinfo` takes one of the process' few threads until it is answered, and it is
 * somebody else's name server that answers: four slow ones would stop every file and every other look-up.
 *
 * @param servers addresses, with a port where it is not 53; those of the system when left out
 */
export function createResolve(servers?: string[]): Resolve {
  return async (hostname) => {
    // RFC 6761 §6.3: no server is to be asked.
    if (/(^|\.)localhost\.?$/i.test(hostname)) return [{ address: '127.0.0.1', family: 4 }];
    // A new one knows the servers that the system has now.
    const resolver = new Resolver({ timeout: 2_000, tries: 2 });
    if (servers !== undefined) resolver.setServers(servers);
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const found = answers.flatMap((answer, index) => {
      if (answer.status === 'rejected') return [];
      return answer.value.map((address) => ({ address, family: index === 0 ? 4 : 6 }));
    });
    // A name may well have addresses of one family only.
    const [first] = answers;
    if (found.length === 0 && first.status === 'rejected') throw first.reason;
    return found;
  };
}

/** Whether an address is in one of the networks. The families are kept apart: ::ffff:0:0/96 is not all of IPv4. */
function networksOf(networks: readonly string[]): (address: string) => boolean {
  const lists = { 4: new BlockList(), 6: new BlockList() };
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const isV4 = isIP(address) === 4;
    lists[isV4 ? 4 : 6].addSubnet(address, Number(prefix), isV4 ? 'ipv4' : 'ipv6');
  }
  return (address) => {
    const family = isIP(address);
    if (family === 4) return lists[4].check(address, 'ipv4');
    return family === 6 && !address.includes('%') && lists[6].check(address, 'ipv6');
  };
}
