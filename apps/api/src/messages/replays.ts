import { type FindTemplate, speaksOfRecipient, type UsableTemplate } from '@tidings/accept';
import type { ErrorDetail, ReplayContent } from '@tidings/contracts';
import type { ReplayCandidate, Replayed, SkippedReplay, Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, type Context } from '../operations.ts';

/** A message that was passed over, with the places where its data does not fit. */
export type Skipped = SkippedReplay & { faults?: ErrorDetail[] };

/** What is asked for: messages of the project, each at most once. */
export interface ReplayRequest {
  ids: string[];
  content: ReplayContent;
  /** Of the row in the audit trail. */
  target: string;
  action: string;
}

/** Sends messages again, in one commit; answers how many, and why not the others. */
export type Replays = (
  request: ReplayRequest,
  context: Context,
) => Promise<{ replayed: number; skipped: Skipped[] }>;

/** Data is read for so many messages at a time: it may be a megabyte each. */
const dataAtOnce = 50;

export function createReplays({
  store,
  findTemplate,
}: {
  store: Pick<Store, 'replayCandidates' | 'replayMessages' | 'dataOf'>;
  findTemplate: FindTemplate;
}): Replays {
  /** With the version that is in use now, unless it is the one they were accepted with. */
  async function pin(projectId: string, candidates: ReplayCandidate[]): Promise<Array<Replayed | Skipped>> {
    const results: Array<Replayed | Skipped> = [];
    for (let from = 0; from < candidates.length; from += dataAtOnce) {
      const some = candidates.slice(from, from + dataAtOnce);
      const data = await store.dataOf([...new Set(some.map(({ notificationId }) => notificationId))]);
      for (const candidate of some) {
        const { templateKey, notificationId } = candidate;
        const version = templateKey === null ? undefined : await findTemplate(projectId, templateKey);
        results.push(pinOne(candidate, version, data.get(notificationId) ?? {}));
      }
    }
    return results;
  }

  return async ({ ids, content, target, action }, context) => {
    const { projectId } = context.principal;
    const found = await store.replayCandidates(projectId, ids);
    const known = new Map(found.map((one) => [one.id, one]));
    const refused = ids.flatMap((id): Skipped[] => {
      const reason = known.has(id) ? known.get(id)?.refusal : 'not_found';
      return reason === undefined ? [] : [{ id, reason }];
    });
    const able = found.filter(({ refusal }) => refusal === undefined);
    const chosen: Array<Replayed | Skipped> =
      content === 'current' ? await pin(projectId, able) : able.map(({ id }) => ({ id, templateId: null }));
    const replayable = chosen.filter((one) => 'templateId' in one);
    const unfit = chosen.filter((one) => 'reason' in one);
    const change = { id: newId('audit'), projectId, action, target, fields: [content] };
    const moved = await store.replayMessages(replayable, refused.length + unfit.length, {
      actor: actorOf(context),
      change,
    });
    return {
      replayed: replayable.length - moved.length,
      skipped: [...refused, ...unfit, ...moved],
    };
  };
}

/** Nothing is made up for it: what a version needs that the data has not is a reason to pass it over. */
function pinOne(
  { id, channel, templateKey, templateId }: ReplayCandidate,
  version: UsableTemplate | undefined,
  data: Record<string, unknown>,
): Replayed | Skipped {
  if (templateKey === null) return { id, templateId: null };
  if (version === undefined) return { id, reason: 'template_not_found' };
  const { row, checkData } = version;
  if (row.id === templateId) return { id, templateId: null };
  const contents = Object.values(row.content);
  if (contents.every((one) => one[channel] === undefined)) return { id, reason: 'channel_without_content' };
  const needsRecipient = speaksOfRecipient(contents) && !Object.hasOwn(data, 'recipient');
  const faults = needsRecipient ? [recipientMissing] : faultsOf(checkData, data);
  return faults.length > 0 ? { id, reason: 'data_does_not_fit', faults } : { id, templateId: row.id };
}

const recipientMissing = { pointer: '/data/recipient', detail: 'is not kept with the message' };

/** The accept put the recipient into the data of versions that mention it, which a schema need not know. */
function faultsOf(checkData: UsableTemplate['checkData'], data: Record<string, unknown>): ErrorDetail[] {
  if (checkData(data).length === 0) return [];
  const { recipient: _, ...own } = data;
  return checkData(own);
}
