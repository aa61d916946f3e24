import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jwtVerify } from 'jose';
import type { TestServiceAccount } from './service-account.ts';

/** What the endpoint says instead of looking at the request. `silence` never answers. */
export type TokenAnswer =
  | { status: number; body?: string; headers?: Record<string, string> }
  | 'endless'
  | 'silence';

export interface TokenEndpoint {
  readonly url: string;
  /** How many requests came, the refused ones among them. */
  readonly requests: number;
  /** Every assertion that came. */
  readonly assertions: string[];
  /** Every access token that was given. */
  readonly issued: string[];
  isGood(token: string): boolean;
  /** Every token given so far is worth nothing from now on. */
  revokeAll(): void;
  stop(): Promise<void>;
}

const scope = 'https://www.googleapis.com/auth/firebase.messaging';
const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Google's token endpoint on 127.0.0.1: gives tokens for assertions that the account's key has signed. */
export async function startTokenEndpoint(options: {
  of: TestServiceAccount;
  lifetimeS?: number;
  /** By how many requests, from 1, have come; undefined: as the request deserves. */
  answer?: (count: number) => TokenAnswer | undefined | Promise<TokenAnswer | undefined>;
  now?: () => number;
}): Promise<TokenEndpoint> {
  const { of, lifetimeS = 3600, answer = () => undefined, now = Date.now } = options;
  const endsAt = new Map<string, number>();
  const issued: string[] = [];
  const assertions: string[] = [];
  let requests = 0;

  async function faultOf(request: IncomingMessage, form: URLSearchParams): Promise<string | undefined> {
    const type = request.headers['content-type'] ?? '';
    if (request.method !== 'POST' || !type.startsWith('application/x-www-form-urlencoded')) return 'no form';
    if (form.get('grant_type') !== grantType) return 'another grant type';
    try {
      const { payload } = await jwtVerify(form.get('assertion') ?? '', of.publicKey, {
        issuer: of.account.client_email,
        audience: of.account.token_uri,
        algorithms: ['RS256'],
        requiredClaims: ['iat', 'exp', 'scope'],
        currentDate: new Date(now()),
      });
      const { iat = 0, exp = 0 } = payload;
      if (payload.scope !== scope) return 'another scope';
      if (iat > now() / 1000) return 'issued in the future';
      if (exp - iat > 3600) return 'not short-lived';
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requests += 1;
    const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
    assertions.push(form.get('assertion') ?? '');
    const said = await answer(requests);
    if (said === 'silence') return;
    if (said === 'endless') pour(response);
    else if (said) response.writeHead(said.status, said.headers).end(said.body ?? '');
    else sayJson(response, await faultOf(request, form));
  }

  function sayJson(response: ServerResponse, fault: string | undefined): void {
    const token = `ya29.${randomBytes(24).toString('base64url')}`;
    const bad = { error: 'invalid_grant', error_description: fault };
    const good = { access_token: token, expires_in: lifetimeS, token_type: 'Bearer' };
    if (fault === undefined) {
      issued.push(token);
      endsAt.set(token, now() + lifetimeS * 1000);
    }
    response.writeHead(fault === undefined ? 200 : 400, { 'content-type': 'application/json' });
    response.end(JSON.stringify(fault === undefined ? good : bad));
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => request.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/token`,
    get requests() {
      return requests;
    },
    assertions,
    issued,
    isGood: (token) => (endsAt.get(token) ?? 0) > now(),
    revokeAll: () => endsAt.clear(),
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A body without end, as fast as it is read. */
function pour(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  const more = () => {
    while (!response.destroyed && response.write(' '.repeat(16_384))) {}
  };
  response.on('drain', more);
  more();
}
