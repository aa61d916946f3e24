import { z } from 'zod';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { pageFields, pageOutput, takesOneCursor } from './pages.ts';
import { lineOfText, locale, timezone } from './text.ts';

/** Days that a project keeps things for; null keeps them for ever. */
export interface Retention {
  /** Notifications with their messages and attempts. */
  notificationsDays: number | null;
  /** Content, data, metadata and addresses of notifications that have ended. */
  payloadsDays: number | null;
  /** Attempts of messages that have ended. */
  attemptsDays: number | null;
  /** How long a repeated request gets the first answer: as long as there is a payload, at least. */
  idempotencyKeysDays: number | null;
  auditDays: number | null;
  /** Events with their copies, whether these were delivered or not. */
  eventsDays: number | null;
}

/** What a project keeps until somebody says otherwise. */
export const defaultRetention: Readonly<Retention> = {
  notificationsDays: 90,
  payloadsDays: 30,
  attemptsDays: 90,
  idempotencyKeysDays: 90,
  auditDays: 365,
  eventsDays: 30,
};

const days = (fallback: number | null) =>
  z.int().min(1).max(36_500).nullable().default(fallback).meta({ description: 'Days; null is for ever.' });

/** A project's retention as a whole: what is left out gets its default. */
export const retention = z
  .strictObject({
    notificationsDays: days(defaultRetention.notificationsDays),
    payloadsDays: days(defaultRetention.payloadsDays),
    attemptsDays: days(defaultRetention.attemptsDays),
    idempotencyKeysDays: days(defaultRetention.idempotencyKeysDays),
    auditDays: days(defaultRetention.auditDays),
    eventsDays: days(defaultRetention.eventsDays),
  })
  .superRefine((given, context) => {
    // Both are parts of a notification, and go with it at the latest.
    for (const part of ['payloadsDays', 'idempotencyKeysDays'] as const) {
      if ((given[part] ?? Infinity) <= (given.notificationsDays ?? Infinity)) continue;
      const message = `must not be longer than notificationsDays (${given.notificationsDays})`;
      context.addIssue({ code: 'custom', path: [part], message });
    }
    if ((given.idempotencyKeysDays ?? Infinity) < (given.payloadsDays ?? Infinity)) {
      const message = `must not be shorter than payloadsDays (${given.payloadsDays})`;
      context.addIssue({ code: 'custom', path: ['idempotencyKeysDays'], message });
    }
  })
  .meta({ examples: [{ ...defaultRetention }] });

const daysKept = z.int().nullable();
const retentionView = z
  .strictObject({
    notificationsDays: daysKept,
    payloadsDays: daysKept,
    attemptsDays: daysKept,
    idempotencyKeysDays: daysKept,
    auditDays: daysKept,
    eventsDays: daysKept,
  })
  .meta({ examples: [{ ...defaultRetention }] });

/** The project that every start makes sure of. */
export const defaultProjectKey = 'default';

/** How a project is called in paths and in the header `Tidings-Project`. */
export const projectKey = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens such as shop-eu')
  .meta({ examples: ['shop-eu'] });

const name = lineOfText(200).meta({ examples: ['Shop Europe'] });
const settings = {
  defaultLocale: locale.meta({
    description: 'For messages to whom no locale is known that there is content for.',
    examples: ['en'],
  }),
  timezone: timezone.meta({
    description: 'Whose quiet hours are meant where a recipient has no time zone.',
    examples: ['Europe/Paris'],
  }),
};

export const projectView = z.strictObject({
  id: idSchema('project'),
  key: projectKey,
  name: z
    .string()
    .nullable()
    .meta({ examples: ['Shop Europe'] }),
  defaultLocale: z.string().meta({ examples: ['en'] }),
  timezone: z.string().meta({ examples: ['Europe/Paris'] }),
  retention: retentionView,
  createdAt: z.iso.datetime(),
  archivedAt: z.iso
    .datetime()
    .nullable()
    .meta({
      description: 'Since when its keys are not good any more and nothing is accepted.',
      examples: [null],
    }),
});
export type ProjectView = z.output<typeof projectView>;

export const createProject = operation({
  name: 'projects.create',
  summary: 'Create a project, with the default templates.',
  method: 'POST',
  path: '/v1/projects',
  status: 201,
  access: { role: 'admin' },
  input: z.strictObject({
    key: projectKey,
    name,
    defaultLocale: settings.defaultLocale.default('en'),
    timezone: settings.timezone.default('UTC'),
    retention: retention.default({ ...defaultRetention }),
  }),
  output: projectView,
  errors: ['project_key_taken'],
});

export const listProjects = operation({
  name: 'projects.list',
  summary: 'All projects of the instance, newest first, archived ones among them.',
  method: 'GET',
  path: '/v1/projects',
  status: 200,
  access: { role: 'viewer' },
  input: takesOneCursor(z.strictObject(pageFields(idSchema('project')))),
  output: pageOutput(projectView, idSchema('project')),
});

export const getProject = operation({
  name: 'projects.get',
  summary: 'One project. An API key sees its own only.',
  method: 'GET',
  path: '/v1/projects/{key}',
  status: 200,
  access: { scope: 'read' },
  input: z.strictObject({ key: projectKey }),
  output: projectView,
  errors: ['not_found'],
});

export const updateProject = operation({
  name: 'projects.update',
  summary:
    'Change the given fields of a project. The retention is replaced as a whole; only an admin shortens that of the audit trail.',
  method: 'PUT',
  path: '/v1/projects/{key}',
  status: 200,
  access: { scope: 'manage' },
  input: z.strictObject({
    key: projectKey,
    name: name.optional(),
    defaultLocale: settings.defaultLocale.optional(),
    timezone: settings.timezone.optional(),
    retention: retention.optional(),
  }),
  output: projectView,
  errors: ['not_found'],
});

export const archiveProject = operation({
  name: 'projects.archive',
  summary: 'Close a project: its keys stop working, what was accepted still goes out, nothing is deleted.',
  method: 'POST',
  path: '/v1/projects/{key}/archive',
  status: 200,
  access: { role: 'admin' },
  input: z.strictObject({ key: projectKey }),
  output: projectView,
  errors: ['not_found', 'project_not_archivable'],
});
