import type { Operation } from '@tidings/contracts';
import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';

/**
 * Lets pages of these origins call what a recipient may call (Fetch standard, CORS protocol). To everybody else, and
 * for every other operation, there is no CORS: the middleware is for the paths of `isForBrowsers` only.
 */
export function createCors(origins: readonly string[]): MiddlewareHandler {
  const allow = cors({
    origin: [...origins],
    allowMethods: ['GET', 'PUT', 'POST'],
    allowHeaders: ['authorization', 'content-type'],
    exposeHeaders: ['x-request-id', 'retry-after'],
    maxAge: 600,
  });
  return (c, next) => (origins.includes(c.req.header('origin') ?? '') ? allow(c, next) : next());
}

/** Is it called from the front ends of applications, with the token of a recipient? */
export function isForBrowsers({ access }: Operation): boolean {
  return access !== 'anyone' && 'scope' in access && access.recipient === true;
}
