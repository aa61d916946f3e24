import {
  defaultMaxBodyBytes,
  errorCatalogue,
  type Operation,
  TidingsError,
  toProblem,
} from '@tidings/contracts';
import type { TRPCError } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc';
import { ZodError, type z } from 'zod';
import type { Implementation, OpenContext } from '../operations.ts';
import { requireAccess } from '../principal.ts';
import type { AppRouter } from '../router.ts';
import { readJson } from './body.ts';
import { parseJson } from './json.ts';
import { invalidRequest, problemResponse, securityHeaders } from './problem.ts';
import { misencodedFields } from './url.ts';

/** What is known of a procedure without its types. */
interface Procedure {
  _def: { type: string; meta?: Implementation };
}

/**
 * Answers tRPC calls. The body goes through the same reader as REST's, and an error is the same RFC 9457
 * document with tRPC's `error` member beside it, so that both kinds of client understand it.
 */
export function createTrpcHandler(options: { router: AppRouter }) {
  const { router } = options;
  const procedures = router._def.procedures as unknown as Record<string, Procedure>;

  return async (request: Request, context: OpenContext): Promise<Response> => {
    const url = new URL(request.url);
    const path = url.pathname.replace(/^\/trpc\/?/, '').replace(/\/$/, '');
    const operation = procedures[path]?._def.meta?.operation;
    // Before the body, which whoever may not call shall not have us read.
    if (operation !== undefined && operation.access !== 'anyone')
      requireAccess(context.principal, operation.access);
    const text =
      request.method === 'POST' && operation !== undefined ? await readText(request, operation) : '';
    if (request.method === 'GET') checkQueryInput(url);
    let failure: TRPCError | undefined;
    const response = await fetchRequestHandler({
      endpoint: '/trpc',
      router,
      req: withText(request, text),
      createContext: () => context,
      allowBatching: false,
      onError: ({ error }) => {
        failure = error;
      },
      responseMeta: () => ({
        headers: new Headers({
          ...securityHeaders,
          ...context.headers,
          'x-request-id': context.requestId,
        }),
      }),
    });
    if (failure === undefined) return response;
    throw fromTrpc(failure, procedures[path]?._def.type);
  };
}

/** The answer to a failed tRPC call. */
export function trpcProblem(error: TidingsError, requestId: string, path: string): Response {
  const { status } = errorCatalogue[error.code];
  return problemResponse(error, requestId, {
    error: {
      message: error.message,
      code: TRPC_ERROR_CODES_BY_KEY[trpcCode(status)],
      data: {
        code: trpcCode(status),
        httpStatus: status,
        path,
        problem: toProblem(error, requestId),
      },
    },
  });
}

async function readText(
  request: Request,
  { maxBodyBytes = defaultMaxBodyBytes }: Operation,
): Promise<string> {
  return (await readJson(request, maxBodyBytes)).text;
}

/** The input of a query comes in the URL and obeys the same rules as a body. */
function checkQueryInput(url: URL): void {
  const input = url.searchParams.get('input');
  if (input === null) return;
  if (misencodedFields(url).length > 0) {
    throw new TidingsError('invalid_json', { detail: 'The input is not UTF-8 in percent-encoding' });
  }
  parseJson(input);
}

/** What tRPC reads of a request, with the body already read. A new Request would be encoded once more. */
function withText(request: Request, text: string): Request {
  const { url, method, headers } = request;
  const read = { url, method, headers, signal: neverAborted, text: async () => text };
  return read as unknown as Request;
}

const neverAborted = new AbortController().signal;

/** tRPC's error as one of the catalogue; anything unexpected is thrown on as it is. */
function fromTrpc(error: TRPCError, type = ''): unknown {
  if (error.cause instanceof TidingsError) return error.cause;
  if (error.cause instanceof ZodError) return invalidRequest(error.cause as z.core.$ZodError);
  switch (error.code) {
    case 'NOT_FOUND':
      return new TidingsError('not_found', { detail: error.message });
    case 'METHOD_NOT_SUPPORTED':
      return new TidingsError('method_not_allowed', {
        detail: error.message,
        headers: { allow: type === 'query' ? 'GET' : 'POST' },
      });
    case 'UNSUPPORTED_MEDIA_TYPE':
      return new TidingsError('unsupported_media_type');
    case 'BAD_REQUEST':
    case 'PARSE_ERROR':
      return new TidingsError('invalid_request', {
        detail: 'The call is not a single tRPC call with JSON input',
      });
    default:
      return error.cause ?? error;
  }
}

type TrpcCode = keyof typeof TRPC_ERROR_CODES_BY_KEY;

const trpcCodes: Readonly<Record<number, TrpcCode>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_SUPPORTED',
  408: 'TIMEOUT',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'UNPROCESSABLE_CONTENT',
  429: 'TOO_MANY_REQUESTS',
  503: 'SERVICE_UNAVAILABLE',
};

function trpcCode(status: number): TrpcCode {
  return trpcCodes[status] ?? 'INTERNAL_SERVER_ERROR';
}
