import type { Tidings } from '@tidings/client';
import { type PartSource, partKey, partKinds, templateKey } from '@tidings/contracts';
import type { FolderModel, FolderTemplate } from './model.ts';

/** A template as it is on the server. */
export interface RemoteTemplate extends FolderTemplate {
  revision: number;
  hasDraft: boolean;
  /** Parts have changed since the version in use took them in. */
  isOutdated: boolean;
}

/** What the server has: of each template the draft, or else the version in use. Archived ones are left out. */
export interface RemoteModel extends FolderModel {
  templates: Map<string, RemoteTemplate>;
}

/** @throws Error when the server names something that is no key: it would become a path. */
export async function readRemote(tidings: Tidings): Promise<RemoteModel> {
  const model: RemoteModel = { templates: new Map(), parts: new Map() };
  for (const { kind, key } of (await tidings.templateParts.list.query({})).items) {
    const { html, mjml, text } = await tidings.templateParts.get.query({ kind, key });
    const source: PartSource = {};
    if (html !== null) source.html = html;
    if (mjml !== null) source.mjml = mjml;
    if (text !== null) source.text = text;
    if (!partKinds.includes(kind)) throw new Error(`${kind} is no kind of part`);
    model.parts.set(`${kind}/${partKey.parse(key)}`, source);
  }
  let after: string | undefined;
  do {
    const page = await tidings.templates.list.query({ limit: 100, after });
    for (const { key, archivedAt } of page.items) {
      if (archivedAt === null) model.templates.set(templateKey.parse(key), await readTemplate(tidings, key));
    }
    after = page.after ?? undefined;
  } while (after !== undefined);
  return model;
}

async function readTemplate(tidings: Tidings, key: string): Promise<RemoteTemplate> {
  const { category, onAmbiguous, schema, content, revision, status, outdatedParts } =
    await tidings.templates.get.query({ key });
  return {
    category,
    onAmbiguous,
    schema,
    content,
    revision,
    hasDraft: status === 'draft',
    isOutdated: outdatedParts.length > 0,
  };
}
