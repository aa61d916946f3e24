import { z } from 'zod';
import { operation } from './operation.ts';
import { partKey } from './template-versions.ts';
import { freeText } from './text.ts';

/** `layout`: goes around the content of an e-mail. `partial`: goes into it, with `{% render 'key' %}`. */
export const partKinds = ['layout', 'partial'] as const;
export type PartKind = (typeof partKinds)[number];

const sources = {
  html: freeText(256 * 1024)
    .optional()
    .meta({ examples: ['<table><tr><td>{% content %}</td></tr></table>'] }),
  mjml: freeText(256 * 1024).optional(),
  text: freeText(256 * 1024).optional(),
};

/** What a part says in HTML or MJML, and in texts. A layout holds `{% content %}` where the content goes. */
export interface PartSource {
  html?: string;
  mjml?: string;
  text?: string;
}

const partName = { kind: z.enum(partKinds).meta({ examples: ['layout'] }), key: partKey };

export const templatePartView = z.strictObject({
  ...partName,
  html: z.string().nullable(),
  mjml: z.string().nullable(),
  text: z.string().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type TemplatePartView = z.infer<typeof templatePartView>;

export const upsertTemplatePart = operation({
  name: 'templateParts.upsert',
  summary: 'Write a layout or a partial. Published versions keep what they took in.',
  method: 'PUT',
  path: '/v1/template-parts/{kind}/{key}',
  status: 200,
  access: { scope: 'manage' },
  input: z
    .strictObject({ ...partName, ...sources })
    .refine(({ html, mjml, text }) => html !== undefined || mjml !== undefined || text !== undefined, {
      message: 'needs html, mjml or text',
    })
    .refine(({ html, mjml }) => html === undefined || mjml === undefined, {
      message: 'takes html or mjml, not both',
    }),
  output: templatePartView,
});

export const getTemplatePart = operation({
  name: 'templateParts.get',
  summary: 'One layout or partial.',
  method: 'GET',
  path: '/v1/template-parts/{kind}/{key}',
  status: 200,
  access: { scope: 'read' },
  errors: ['not_found'],
  input: z.strictObject(partName),
  output: templatePartView,
});

export const listTemplateParts = operation({
  name: 'templateParts.list',
  summary: 'Every layout and partial, without what they say.',
  method: 'GET',
  path: '/v1/template-parts',
  status: 200,
  access: { scope: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({
    items: z.array(z.strictObject({ ...partName, updatedAt: z.iso.datetime() })),
  }),
});

export const removeTemplatePart = operation({
  name: 'templateParts.remove',
  summary: 'Remove a layout or a partial. Published versions keep what they took in.',
  method: 'DELETE',
  path: '/v1/template-parts/{kind}/{key}',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found'],
  input: z.strictObject(partName),
  output: z.strictObject(partName),
});
