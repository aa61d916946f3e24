import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIP } from 'node:net';

export interface DnsSink {
  /** As `setServers` of a resolver takes it. */
  readonly server: string;
  /** What was asked, such as `AAAA push.example.test`. */
  readonly asked: string[];
  stop(): Promise<void>;
}

const types = { 1: 'A', 28: 'AAAA' } as const;

/** A name server (RFC 1035) on 127.0.0.1 that knows these names; of others it says that there are none. */
export async function startDnsSink(addresses: Record<string, string[]>): Promise<DnsSink> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = questionOf(query);
    asked.push(`${types[type as keyof typeof types]} ${name}`);
    const known = addresses[name];
    const family = type === 1 ? 4 : 6;
    const records = (known ?? []).filter((one) => isIP(one) === family).map(recordOf);
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    // An answer to a recursive query; 3 says that there is no such name (RFC 1035 §4.1.1).
    header.writeUInt16BE(0x8180 | (known === undefined ? 3 : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    socket.send(Buffer.concat([header, query.subarray(12, end), ...records]), port, address);
  });
  await once(socket.bind(0, '127.0.0.1'), 'listening');
  return {
    server: `127.0.0.1:${socket.address().port}`,
    asked,
    stop: async () => {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** Of the name in the question, good for a minute. */
function recordOf(address: string): Buffer {
  const octets = isIP(address) === 4 ? address.split('.').map(Number) : octetsOf6(address);
  const head = Buffer.from([0xc0, 12, 0, isIP(address) === 4 ? 1 : 28, 0, 1, 0, 0, 0, 60, 0, octets.length]);
  return Buffer.concat([head, Buffer.from(octets)]);
}

/** Of an IPv6 address with at most one `::`. */
function octetsOf6(address: string): number[] {
  const [before = [], after = []] = address.split('::').map((half) => half.split(':').filter(Boolean));
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
