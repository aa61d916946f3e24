import { problemOf, type Tidings } from '@tidings/client';
import type { PartKind } from '@tidings/contracts';
import { readFolder, writeFolder } from './disk.ts';
import {
  type Files,
  type FolderModel,
  type FolderTemplate,
  modelOf,
  partFiles,
  templateFiles,
} from './model.ts';
import { type RemoteModel, readRemote } from './remote.ts';

/** What a run did, or with `check` would do: a line each. */
export type Report = string[];

/** Names of what is not the same on both sides, and the files that each side has of it. */
interface Difference {
  name: string;
  local: Files | undefined;
  remote: Files | undefined;
}

/** Brings the folder to what the server has. What is the same is not touched. */
export async function pull(options: { tidings: Tidings; dir: string; check: boolean }): Promise<Report> {
  const { tidings, dir, check } = options;
  const files = await readFolder(dir);
  const differences = compare(modelOf(files), await readRemote(tidings));
  const report: Report = [];
  for (const { name, local, remote } of differences) {
    report.push(`${remote === undefined ? 'removed' : local === undefined ? 'added' : 'changed'} ${name}`);
    if (check) continue;
    const stale = [...(local?.keys() ?? [])].filter((path) => remote?.has(path) !== true);
    await writeFolder(dir, remote ?? new Map(), stale);
  }
  return report;
}

/**
 * Brings the server to what the folder has: parts at once, templates as drafts, or with `publish` as versions that
 * are sent with. What is the same makes no new version, but with `publish` one whose parts have changed. What the
 * folder lacks stays as it is.
 */
export async function push(options: {
  tidings: Tidings;
  dir: string;
  check: boolean;
  publish: boolean;
}): Promise<Report> {
  const { tidings, dir, check, publish } = options;
  const local = modelOf(await readFolder(dir));
  const differing = compare(local, await readRemote(tidings)).filter((one) => one.local !== undefined);
  const report = differing.map(({ name, remote }) => `${remote === undefined ? 'added' : 'changed'} ${name}`);
  if (check) return report;
  for (const { name } of differing) {
    const part = local.parts.get(name);
    const [kind, key = ''] = name.split('/') as [PartKind, string?];
    if (part !== undefined) await named(name, tidings.templateParts.upsert.mutate({ kind, key, ...part }));
  }
  const changed = new Set(differing.map(({ name }) => name));
  // Read again: which versions are outdated follows from the parts that were just written.
  const remote = await readRemote(tidings);
  for (const [key, template] of local.templates) {
    const there = remote.templates.get(key);
    const isOutdated = publish && there?.isOutdated === true;
    if (changed.has(key) || isOutdated) await named(key, write(tidings, key, template));
    if (!publish || !(changed.has(key) || isOutdated || there?.hasDraft)) continue;
    const { publishedVersion, warnings } = await named(key, tidings.templates.publish.mutate({ key }));
    report.push(`published ${key} as version ${publishedVersion}`);
    for (const { pointer, detail } of warnings) report.push(`warning ${key}${pointer}: ${detail}`);
  }
  return report;
}

async function write(tidings: Tidings, key: string, fields: FolderTemplate) {
  try {
    const { revision } = await tidings.templates.get.query({ key });
    return await tidings.templates.update.mutate({ key, revision, ...fields });
  } catch (error) {
    if (problemOf(error)?.code !== 'not_found') throw error;
    return tidings.templates.create.mutate({ key, ...fields });
  }
}

/** The answer, or what the server found wrong with what is named. */
async function named<Answer>(name: string, call: Promise<Answer>): Promise<Answer> {
  try {
    return await call;
  } catch (error) {
    const problem = problemOf(error);
    if (problem === undefined) throw error;
    const faults = problem.errors?.map(({ pointer, detail }) => `\n  ${pointer} ${detail}`).join('') ?? '';
    throw new Error(`${name}: ${problem.title}${faults || `\n  ${problem.detail}`}`, { cause: error });
  }
}

/** What differs, in the order of names, parts first. */
function compare(local: FolderModel, remote: RemoteModel): Difference[] {
  const parts = differences(local.parts, remote.parts, partFiles);
  return [...parts, ...differences(local.templates, remote.templates, templateFiles)];
}

function differences<Item>(
  local: Map<string, Item>,
  remote: Map<string, Item>,
  filesOf: (name: string, item: Item) => Files,
): Difference[] {
  const names = [...new Set([...local.keys(), ...remote.keys()])].sort();
  const files = (side: Map<string, Item>, name: string) => {
    const item = side.get(name);
    return item === undefined ? undefined : filesOf(name, item);
  };
  return names
    .map((name) => ({ name, local: files(local, name), remote: files(remote, name) }))
    .filter(({ local: here, remote: there }) => !areEqual(here, there));
}

/** A checkout on Windows has CRLF where the server may not: that alone is no difference. */
function areEqual(one: Files | undefined, other: Files | undefined): boolean {
  if (one === undefined || other === undefined || one.size !== other.size) return false;
  return [...one].every(([path, text]) => withLf(other.get(path)) === withLf(text));
}

function withLf(text: string | undefined): string | undefined {
  return text?.replaceAll('\r\n', '\n');
}
