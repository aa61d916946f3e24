import type { DefaultPart } from './default-template.ts';

/**
 * One column of 560 pixels that shrinks on a telephone, in tables with their styles beside them, since mail
 * programs know little else; no pictures, nothing from elsewhere. Lines have at most 76 characters: such a mail
 * goes out as it stands, where a longer line has all of it encoded.
 */
const layout = `<!doctype html>
<html lang="{{ locale }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
</head>
<body style="margin:0;padding:0;background:#f2f4f7">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"
 style="background:#f2f4f7">
<tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"
 style="max-width:560px;background:#ffffff;border-radius:8px">
<tr><td style="padding:32px;font-size:16px;line-height:24px;color:#1d2939;
font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">
{% content %}</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
`;

/** What the default templates share. */
export const defaultParts: readonly DefaultPart[] = [
  { kind: 'layout', key: 'default', source: { html: layout, text: '{% content %}' } },
];
