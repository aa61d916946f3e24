import { readText, requireType } from './body.ts';
import { securityHeaders } from './problem.ts';

const csvType = 'text/csv';

/** Does the body say that it is CSV? */
export function isCsv(headers: Headers): boolean {
  return (headers.get('content-type') ?? '').toLowerCase().startsWith(csvType);
}

/** Is CSV what to answer? To everybody who does not ask for JSON: a browser or curl asks for anything. */
export function prefersCsv(headers: Headers): boolean {
  return !(headers.get('accept') ?? '').toLowerCase().includes('application/json');
}

/**
 * Reads a request's CSV.
 *
 * @throws TidingsError as `readJson` does, and `invalid_csv` for what is not UTF-8.
 */
export function readCsvBody(request: Request, maxBytes: number): Promise<string> {
  requireType(request.headers, csvType);
  return readText(request, { maxBytes, invalid: 'invalid_csv' });
}

/**
 * Answers pages as one CSV file, each read when the one before was taken. A page that cannot be read breaks the answer
 * off, so that nobody takes a part for the whole.
 */
export function streamCsv(options: {
  first: unknown;
  next: (after: string) => Promise<unknown>;
  write: (page: never, isFirst: boolean) => string;
  name: string;
  headers: Record<string, string>;
}): Response {
  const { first, next, write, name, headers } = options;
  async function* lines() {
    let page = first;
    yield write(page as never, true);
    for (let after = afterOf(page); after !== null; after = afterOf(page)) {
      page = await next(after);
      yield write(page as never, false);
    }
  }
  return new Response(ReadableStream.from(lines()).pipeThrough(new TextEncoderStream()), {
    headers: {
      'content-type': `${csvType}; charset=utf-8`,
      'content-disposition': `attachment; filename="${name}.csv"`,
      ...securityHeaders,
      ...headers,
    },
  });
}

function afterOf(page: unknown): string | null {
  return (page as { after?: string | null }).after ?? null;
}
