import { constants, type ServerHttp2Stream } from 'node:http2';

/** A reply: an error of FCM's form, or `body` as it is. */
export interface FcmReply {
  status: number;
  /** Of an FcmError among the details. */
  errorCode?: string;
  errorStatus?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/**
 * What else can happen to a request: `drop` (the socket is destroyed), `reset` (the stream is), `reset after 200`
 * (and half of a body), `refuse` (REFUSED_STREAM), `silence`, `endless` (a 200 that does not end), or a GOAWAY
 * that names this stream as the last, clean (it is answered well) or with an error.
 */
export type FcmFault =
  | 'drop'
  | 'reset'
  | 'reset after 200'
  | 'refuse'
  | 'silence'
  | 'endless'
  | 'goaway'
  | 'goaway with an error';

export function sayReply(stream: ServerHttp2Stream, { status, headers = {}, ...reply }: FcmReply): void {
  const { errorCode, errorStatus = 'UNKNOWN' } = reply;
  const type = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
  const details = errorCode === undefined ? [] : [{ '@type': type, errorCode }];
  const error = { code: status, message: `The sink says ${status}`, status: errorStatus, details };
  stream.respond({ ':status': status, 'content-type': 'application/json', ...headers });
  stream.end(reply.body ?? JSON.stringify({ error }));
}

/** The faults of one stream; `drop` and the GOAWAYs are the connection's. */
export const streamFaults: Partial<
  Record<FcmFault, (stream: ServerHttp2Stream, onPoured: (bytes: number) => void) => void>
> = {
  silence: () => {},
  reset: (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
  'reset after 200': (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('{"name": "projects/', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  },
  refuse: (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM),
  endless: (stream, onPoured) => {
    stream.respond({ ':status': 200 });
    const chunk = ' '.repeat(16_384);
    const more = () => {
      while (!stream.destroyed && stream.write(chunk)) onPoured(chunk.length);
    };
    stream.on('drain', more);
    more();
  },
};
