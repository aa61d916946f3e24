import { type ErrorCode, errorCatalogue, errorsOf, type Operation } from '@tidings/contracts';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Answer } from '../support/api.ts';

/** RFC 9457 as we write it. Beside it tRPC has its `error`. */
const problem = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]]),
  detail: z.string().min(1),
  requestId: z.uuid(),
  errors: z
    .array(z.strictObject({ pointer: z.string().regex(/^(\/([^~/]|~[01])*)*$/), detail: z.string().min(1) }))
    .min(1)
    .max(100)
    .optional(),
  error: z.object({ code: z.int(), data: z.object({ httpStatus: z.int() }) }).optional(),
});

/** What only our own insides would say. */
const insides =
  /\n\s+at |node_modules|\.ts:\d|SQLITE_|SqliteError|drizzle|Failed query|violates|syntax error at|invalid input syntax|byte sequence|index row|TypeError|RangeError|Cannot read/;

/** A problem document of 4xx that tells nothing of our insides; the code of it. */
export function expectRefusal(answer: Answer): ErrorCode {
  expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
  expect(answer.status, answer.text).toBeLessThan(500);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.text).not.toMatch(insides);
  const { code, type, title, status, requestId } = problem.parse(answer.body);
  expect({ type, status, title }).toEqual({
    type: `urn:tidings:error:${code}`,
    status: answer.status,
    title: errorCatalogue[code].title,
  });
  expect(errorCatalogue[code].status).toBe(answer.status);
  expect(answer.headers.get('x-request-id')).toBe(requestId);
  return code;
}

/** Either what the operation's output schema describes, with its status, or a refusal, whose code is answered. */
export function expectHonest(operation: Operation, answer: Answer, overTrpc: boolean): ErrorCode | undefined {
  if (answer.status >= 300) {
    const code = expectRefusal(answer);
    expect(errorsOf(operation), `${operation.name} does not say that it may answer this`).toContain(code);
    return code;
  }
  expect(answer.status).toBe(overTrpc ? 200 : operation.status);
  expect(answer.headers.get('content-type')).toBe('application/json');
  const output = overTrpc ? (answer.body.result as { data: unknown }).data : answer.body;
  operation.output.parse(output);
  // An item of a bulk request that failed for reasons of our own.
  expect(answer.text).not.toContain('"code":"internal"');
  return undefined;
}
