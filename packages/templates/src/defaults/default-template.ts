import type {
  EmailSource,
  JsonObject,
  PartKind,
  PartSource,
  PushContent,
  TemplateSource,
} from '@tidings/contracts';

/** A template that a project has from its first start. */
export interface DefaultTemplate {
  key: string;
  category: string;
  schema: JsonObject;
  content: TemplateSource;
}

/** A layout or partial that a project has from its first start. */
export interface DefaultPart {
  kind: PartKind;
  key: string;
  source: PartSource;
}

/** What an e-mail of ours says in one language. Liquid in all of it; HTML in `rows` only. */
export interface Words {
  subject: string;
  preheader: string;
  hello: string;
  text: string;
  button: string;
  /** Between the text and the button. */
  rows?: { html: string; text: string };
  /** Small, at the end. */
  note?: string;
}

/** An e-mail in the default layout, as HTML and as text. */
export function emailOf({ subject, preheader, hello, text, button, rows, note }: Words): EmailSource {
  const html = [
    `<h1 style="margin:0 0 16px;font-size:20px;line-height:28px">\n${hello}</h1>`,
    `<p style="margin:0 0 16px">\n${text}</p>`,
    ...(rows === undefined ? [] : [rows.html]),
    buttonOf(button),
    ...(note === undefined ? [] : [`<p style="margin:24px 0 0;font-size:13px;color:#667085">\n${note}</p>`]),
  ];
  const lines = [hello, text, ...(rows === undefined ? [] : [rows.text]), `${button}:\n{{ link }}`];
  if (note !== undefined) lines.push(note);
  return {
    layout: 'default',
    subject,
    preheader,
    html: `${html.join('\n')}\n`,
    text: `${lines.join('\n\n')}\n`,
  };
}

/** A link that looks like a button, also where padding of links means nothing. */
function buttonOf(label: string): string {
  return `<table role="presentation" cellpadding="0" cellspacing="0"><tr>
<td style="padding:12px 24px;border-radius:6px;background:#175cd3">
<a href="{{ link }}"
 style="color:#ffffff;text-decoration:none">${label}</a>
</td></tr></table>`;
}

/** The two templates of one occasion: `<name>_email`, or `key`, and its twin `<name>_push`. */
export function twins(options: {
  key: string;
  pushKey: string;
  category: string;
  required: JsonObject;
  optional?: JsonObject;
  /** Of the required ones, what the push says. */
  inPush: string[];
  emails: Record<string, Words>;
  pushes: Record<string, PushContent>;
}): DefaultTemplate[] {
  const { key, pushKey, category, required, optional = {}, inPush, emails, pushes } = options;
  const schema = (names: string[], properties: JsonObject) => ({
    type: 'object',
    required: names,
    properties,
  });
  return [
    {
      key,
      category,
      schema: schema(Object.keys(required), { ...required, ...optional }),
      content: mapped(emails, (words) => ({ email: emailOf(words) })),
    },
    {
      key: pushKey,
      category,
      schema: schema(inPush, Object.fromEntries(inPush.map((name) => [name, required[name]]))),
      content: mapped(pushes, (push) => ({ push })),
    },
  ];
}

function mapped<From, To>(record: Record<string, From>, change: (from: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

/** What a person may be called, and other texts that must not be empty. */
export const words = { type: 'string', minLength: 1 };
export const webAddress = { type: 'string', format: 'http-url' };
