import { securityHeaders } from '../http/problem.ts';

/** What a page names: they were chosen by whoever operates the project, and are shown as text. */
export interface Named {
  project: string;
  category: string;
}

/** Asks; changes nothing, since mail scanners open every link. The answer goes to the same place. */
export function askPage({ project, category }: Named): Response {
  return page(
    200,
    'Unsubscribe',
    `<p>Do you want no more e-mails of <b>${escaped(category)}</b> from <b>${escaped(project)}</b>?</p>
<form method="post"><button name="List-Unsubscribe" value="One-Click">Unsubscribe</button></form>`,
  );
}

export function donePage({ project, category }: Named): Response {
  return page(
    200,
    'You are unsubscribed',
    `<p>You get no more e-mails of <b>${escaped(category)}</b> from <b>${escaped(project)}</b>.</p>`,
  );
}

export function unknownPage(): Response {
  return page(404, 'This link does not work', '<p>It may have been cut off on its way.</p>');
}

/** No scripts, nothing from elsewhere, not to be framed or found, and its address is told to nobody. */
const headers = {
  ...securityHeaders,
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-robots-tag': 'noindex, nofollow',
};

function page(status: number, title: string, body: string): Response {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<title>${title}</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 4rem auto; padding: 0 1rem } button { font: inherit; padding: .5rem 1rem }</style>
</head>
<body>
<h1>${title}</h1>
${body}
</body>
</html>
`;
  return new Response(html, { status, headers });
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}
