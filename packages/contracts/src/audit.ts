import { z } from 'zod';
import { actorKinds } from './access.ts';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { pageFields, pageOutput, takesOneCursor } from './pages.ts';
import { lineOfText } from './text.ts';

/** One change: who, from where, what, and which of its fields. Never what the fields hold. */
export const auditEntry = z.strictObject({
  id: idSchema('audit'),
  at: z.iso.datetime(),
  actor: z.strictObject({
    kind: z.enum(actorKinds),
    id: z.string().meta({
      description: 'Id of the key, account or recipient; empty for anyone and for the system.',
      examples: ['019a0c2f3b7d7c3e8f10a2b4c6d8e0f1'],
    }),
  }),
  address: z.string().meta({
    description: 'IP address that the call came from; empty when it is not known.',
    examples: ['192.0.2.7'],
  }),
  requestId: z.string().meta({ examples: ['0b7c9a56-9f0e-4d3c-8d7e-1c1b0f6f2a11'] }),
  action: z.string().meta({ examples: ['apiKeys.create'] }),
  target: z.string().meta({
    description: 'Id or key of what was changed.',
    examples: ['019a0c2f3b7d7c3e8f10a2b4c6d8e0f2'],
  }),
  fields: z.array(z.string()).meta({ examples: [['name', 'scopes']] }),
});
export type AuditEntry = z.infer<typeof auditEntry>;

export const listAudit = operation({
  name: 'audit.list',
  summary: 'Who changed what, newest first: in the project, or with `of=instance` in the instance.',
  method: 'GET',
  path: '/v1/audit',
  status: 200,
  access: { scope: 'manage' },
  input: takesOneCursor(
    z.strictObject({
      of: z.enum(['project', 'instance']).default('project').meta({
        description: 'Projects and accounts belong to the instance: an account of role admin sees that.',
      }),
      actorId: lineOfText(100).optional(),
      action: z
        .string()
        .regex(/^[A-Za-z]{1,50}\.[A-Za-z]{1,50}$/, 'must be the name of an operation such as apiKeys.create')
        .optional()
        .meta({ examples: ['apiKeys.create'] }),
      target: lineOfText(255).optional(),
      ...pageFields(idSchema('audit')),
    }),
  ),
  output: pageOutput(auditEntry, idSchema('audit')),
});
