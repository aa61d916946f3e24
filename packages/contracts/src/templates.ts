import { z } from 'zod';
import { onAmbiguousKinds, renderedPush } from './content.ts';
import { notificationTo, sendOutput, templateKey } from './notifications.ts';
import { operation } from './operation.ts';
import { lintFinding, templateSource, versionFields, versionLine } from './template-versions.ts';
import { jsonObject, locale } from './text.ts';

const key = templateKey;
const version = z.int().min(1).max(2_147_483_647);
const optionalVersion = version.optional().meta({
  description: 'Left out: the draft, or the version in use when there is none.',
  examples: [2],
});

/** Says which state of the draft somebody has seen, so that two who edit do not overwrite each other. */
const revision = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER)
  .meta({
    description:
      'The revision of the draft as it was read; when the draft has another by now the answer is 409.',
    examples: [1_795_276_427_084],
  });

/** A template, with one version of it in full and the newest versions in short. */
export const templateView = z.strictObject({
  key: z.string(),
  version: z.int(),
  status: z.enum(['draft', 'published']),
  revision: z.int(),
  content: templateSource,
  schema: jsonObject,
  category: z.string().nullable(),
  onAmbiguous: z.enum(onAmbiguousKinds),
  outdatedParts: z.array(z.string()).meta({
    description: 'Layouts and partials that have changed, or gone, since this version took them in.',
  }),
  publishedVersion: z.int().nullable().meta({ description: 'What a send uses; null when there is none.' }),
  archivedAt: z.iso.datetime().nullable(),
  versions: z.array(versionLine).meta({ description: 'The newest twenty.' }),
});
export type TemplateView = z.infer<typeof templateView>;

/** A template in a list. */
export const templateLine = z.strictObject({
  key: z.string(),
  publishedVersion: z.int().nullable(),
  draftVersion: z.int().nullable(),
  newestVersion: z.int(),
  archivedAt: z.iso.datetime().nullable(),
});
export type TemplateLine = z.infer<typeof templateLine>;

const published = z.strictObject({
  key: z.string(),
  publishedVersion: z.int().nullable(),
  archivedAt: z.iso.datetime().nullable(),
});

export const createTemplate = operation({
  name: 'templates.create',
  summary: 'Write the first draft of a template.',
  method: 'POST',
  path: '/v1/templates',
  status: 201,
  access: { scope: 'manage' },
  errors: ['template_exists'],
  input: z.strictObject({ key, ...versionFields }),
  output: templateView,
});

export const getTemplate = operation({
  name: 'templates.get',
  summary: 'A template with one of its versions.',
  method: 'GET',
  path: '/v1/templates/{key}',
  status: 200,
  access: { scope: 'read' },
  errors: ['not_found'],
  input: z.strictObject({ key, version: optionalVersion }),
  output: templateView,
});

export const listTemplates = operation({
  name: 'templates.list',
  summary: 'Templates by their keys.',
  method: 'GET',
  path: '/v1/templates',
  status: 200,
  access: { scope: 'read' },
  input: z.strictObject({
    limit: z.int().min(1).max(100).default(20),
    after: templateKey.optional().meta({ description: 'A key from an earlier page.' }),
  }),
  output: z.strictObject({ items: z.array(templateLine), after: z.string().nullable() }),
});

export const listTemplateVersions = operation({
  name: 'templates.versions',
  summary: 'The versions of a template, newest first.',
  method: 'GET',
  path: '/v1/templates/{key}/versions',
  status: 200,
  access: { scope: 'read' },
  errors: ['not_found'],
  input: z.strictObject({
    key,
    limit: z.int().min(1).max(100).default(20),
    olderThan: version.optional().meta({ description: 'The last version of the page before.' }),
  }),
  output: z.strictObject({ items: z.array(versionLine), olderThan: z.int().nullable() }),
});

export const updateTemplate = operation({
  name: 'templates.update',
  summary: 'Change the draft; the first change after a publish begins a new one.',
  method: 'PUT',
  path: '/v1/templates/{key}/draft',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found', 'revision_conflict'],
  input: z.strictObject({
    key,
    ...versionFields,
    content: versionFields.content.optional(),
    revision,
  }),
  output: templateView,
});

export const publishTemplate = operation({
  name: 'templates.publish',
  summary: 'Check the draft, freeze it as a version, and send with it from now on.',
  method: 'POST',
  path: '/v1/templates/{key}/publish',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found', 'no_draft', 'revision_conflict', 'invalid_template', 'overloaded'],
  input: z.strictObject({ key, revision: revision.optional() }),
  output: z.strictObject({ ...published.shape, warnings: z.array(lintFinding) }),
});

export const rollbackTemplate = operation({
  name: 'templates.rollback',
  summary: 'Send with a version that was published earlier.',
  method: 'POST',
  path: '/v1/templates/{key}/rollback',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found', 'not_published'],
  input: z.strictObject({ key, version }),
  output: published,
});

export const archiveTemplate = operation({
  name: 'templates.archive',
  summary: 'Send nothing new with it. Publishing or rolling back brings it back.',
  method: 'POST',
  path: '/v1/templates/{key}/archive',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found'],
  input: z.strictObject({ key }),
  output: published,
});

export const lintTemplate = operation({
  name: 'templates.lint',
  summary: 'What publishing would refuse, and what it would warn of.',
  method: 'POST',
  path: '/v1/templates/{key}/lint',
  status: 200,
  access: { scope: 'read' },
  errors: ['not_found', 'overloaded'],
  input: z.strictObject({ key, version: optionalVersion }),
  output: z.strictObject({ version: z.int(), findings: z.array(lintFinding) }),
});

export const previewTemplate = operation({
  name: 'templates.preview',
  summary: 'What a send with this data would say. Stores and sends nothing.',
  method: 'POST',
  path: '/v1/templates/{key}/preview',
  status: 200,
  access: { scope: 'read' },
  errors: ['not_found', 'invalid_template', 'overloaded'],
  input: z.strictObject({
    key,
    version: optionalVersion,
    locale: locale.optional(),
    data: jsonObject.default({}),
  }),
  output: z.strictObject({
    version: z.int(),
    email: z
      .strictObject({
        locale: z.string(),
        subject: z.string(),
        html: z.string().nullable(),
        text: z.string().nullable(),
      })
      .nullable(),
    push: z.strictObject({ locale: z.string(), ...renderedPush.shape }).nullable(),
    faults: z.array(z.strictObject({ pointer: z.string(), detail: z.string() })).meta({
      description: 'What a send would be refused for: where the data does not fit the schema.',
    }),
  }),
});

export const testSendTemplate = operation({
  name: 'templates.testSend',
  summary: 'Send a version, published or not, to one address, with [Test] in its subject.',
  method: 'POST',
  path: '/v1/templates/{key}/test',
  status: 202,
  access: { scope: 'send' },
  errors: [
    'not_found',
    'recipient_not_found',
    'channel_without_content',
    'invalid_variables',
    'invalid_template',
    'overloaded',
  ],
  input: z.strictObject({
    key,
    version: optionalVersion,
    to: notificationTo,
    locale: locale.optional(),
    data: jsonObject.default({}),
  }),
  output: sendOutput,
});
