import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { TidingsError } from '@tidings/contracts';
import { securityHeaders } from './problem.ts';

const packageDir = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tidings API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const start = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true });
`;

const files: Readonly<Record<string, { type: string; content?: string }>> = {
  '': { type: 'text/html; charset=utf-8', content: page },
  'start.js': { type: 'text/javascript; charset=utf-8', content: start },
  'swagger-ui.css': { type: 'text/css; charset=utf-8' },
  'swagger-ui-bundle.js': { type: 'text/javascript; charset=utf-8' },
  'favicon-32x32.png': { type: 'image/png' },
};

const headers = {
  ...securityHeaders,
  'cache-control': 'public, max-age=3600',
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
};

/**
 * Swagger UI from its package, no address but ours.
 *
 * @throws TidingsError `not_found` for any other file.
 */
export async function docsResponse(file: string): Promise<Response> {
  const known = Object.hasOwn(files, file) ? files[file] : undefined;
  if (known === undefined) throw new TidingsError('not_found');
  const body = known.content ?? new Uint8Array(await readFile(join(packageDir, file)));
  return new Response(body, { headers: { ...headers, 'content-type': known.type } });
}
