import { createServer, type Server, type Socket } from 'node:net';
import type { Arrivals } from './arrivals.ts';

// RFC 9113 §4.1 and §6: a frame is a length (24 bits), a type, flags, a stream, and its payload.
const headBytes = 9;
const [data, headers, settings, ping, windowUpdate] = [0x0, 0x1, 0x4, 0x6, 0x8];
const endStream = 0x1;
const ack = 0x1;
const endHeaders = 0x4;
const prefaceBytes = 24;

/** `:status: 200` and `content-type: application/json`, in HPACK without Huffman or a dynamic table (RFC 7541). */
const answerHeaders = Buffer.concat([Buffer.from([0x88, 0x0f, 0x10, 16]), Buffer.from('application/json')]);
const answerBody = Buffer.from(JSON.stringify({ name: 'projects/bench/messages/0:1700000000000000' }));

const settingMaxStreams = 0x3;
const settingWindow = 0x4;
const maxStreams = 1000;
const maxWindow = 2 ** 31 - 1;

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const octets = Buffer.allocUnsafe(headBytes + payload.length);
  octets.writeUIntBE(payload.length, 0, 3);
  octets[3] = type;
  octets[4] = flags;
  octets.writeUInt32BE(stream, 5);
  payload.copy(octets, headBytes);
  return octets;
}

function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
}

function setting(id: number, value: number): Buffer {
  const octets = Buffer.alloc(6);
  octets.writeUInt16BE(id);
  octets.writeUInt32BE(value, 2);
  return octets;
}

const greeting = Buffer.concat([
  frame(
    settings,
    0,
    0,
    Buffer.concat([setting(settingMaxStreams, maxStreams), setting(settingWindow, maxWindow)]),
  ),
  frame(windowUpdate, 0, 0, uint32(maxWindow - 65_535)),
]);

/** One answer, but for its stream. */
const answer = Buffer.concat([
  frame(headers, endHeaders, 0, answerHeaders),
  frame(data, endStream, 0, answerBody),
]);
const bodyAt = headBytes + answerHeaders.length;

/**
 * The least of an HTTP/2 server (with prior knowledge): it walks over frames and says 200 with FCM's answer to each
 * stream that ends. Headers are not decoded. Node's own server would cost more than the client that is measured.
 */
export function listenForFcm(arrivals: Arrivals): Server {
  return createServer((socket: Socket) => {
    let pending: Buffer = Buffer.alloc(0);
    let skip = prefaceBytes;
    let received = 0;

    function take(type: number, flags: number, stream: number, payload: Buffer): void {
      if (type === data) received += payload.length;
      if ((type === data || type === headers) && (flags & endStream) !== 0) {
        const said = Buffer.from(answer);
        said.writeUInt32BE(stream, 5);
        said.writeUInt32BE(stream, bodyAt + 5);
        socket.write(said);
        arrivals.note(undefined);
      } else if (type === settings && (flags & ack) === 0)
        socket.write(frame(settings, ack, 0, Buffer.alloc(0)));
      else if (type === ping && (flags & ack) === 0) socket.write(frame(ping, ack, 0, payload));
    }

    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const octets = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      let at = 0;
      if (skip > 0 && octets.length >= skip) {
        at = skip;
        skip = 0;
      }
      socket.cork();
      while (skip === 0 && octets.length - at >= headBytes) {
        const end = at + headBytes + octets.readUIntBE(at, 3);
        if (end > octets.length) break;
        const stream = octets.readUInt32BE(at + 5) & 0x7fffffff;
        take(octets[at + 3] ?? 0, octets[at + 4] ?? 0, stream, octets.subarray(at + headBytes, end));
        at = end;
      }
      if (received > 2 ** 20) {
        socket.write(frame(windowUpdate, 0, 0, uint32(received)));
        received = 0;
      }
      socket.uncork();
      pending = octets.subarray(at);
    });
    socket.write(greeting);
  });
}
