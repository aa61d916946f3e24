import { type ErrorCode, errorCatalogue, problemDocument } from '@tidings/contracts';

const seconds = { type: 'integer' } as const;
const retryAfter = { 'Retry-After': { description: 'Seconds to wait.', schema: seconds } };
const headersByStatus: Readonly<Record<number, object>> = {
  429: {
    ...retryAfter,
    'RateLimit-Limit': { description: 'Requests a second.', schema: seconds },
    'RateLimit-Remaining': { description: 'Requests left in this second.', schema: seconds },
    'RateLimit-Reset': { description: 'Seconds until it begins anew.', schema: seconds },
  },
  503: retryAfter,
};

/** What may be answered besides a success: for each status the codes, and what they say. */
export function describeErrors(codes: ErrorCode[]): Record<string, object> {
  const byStatus = Map.groupBy(codes, (code) => errorCatalogue[code].status);
  return {
    ...Object.fromEntries([...byStatus].map(([status, theirs]) => [status, describeStatus(status, theirs)])),
    default: {
      description: 'Any other error of the catalogue',
      content: { 'application/problem+json': { schema: problemDocument } },
    },
  };
}

function describeStatus(status: number, codes: ErrorCode[]): object {
  const headers = headersByStatus[status];
  const schema = {
    allOf: [
      { $ref: '#/components/schemas/Problem' },
      { type: 'object', properties: { code: { type: 'string', enum: codes } } },
    ],
  };
  return {
    description: codes.map((code) => `\`${code}\`: ${errorCatalogue[code].title}`).join('\n\n'),
    ...(headers && { headers }),
    content: { 'application/problem+json': { schema, example: exampleOfProblem(status, codes) } },
  };
}

function exampleOfProblem(status: number, [code]: ErrorCode[]): object {
  const { title } = errorCatalogue[code ?? 'internal'];
  return {
    type: `urn:tidings:error:${code}`,
    title,
    status,
    code,
    detail: title,
    requestId: '0b7c9a56-9f0e-4d3c-8d7e-1c1b0f6f2a11',
  };
}
