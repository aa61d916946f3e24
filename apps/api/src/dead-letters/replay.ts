import { replayDeadLetters } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import type { Replays } from '../messages/replays.ts';
import { mutation } from '../operations.ts';
import { searchOf } from './search.ts';

/** `deadLetters.replay`: bounded by its ids, or by `limit`. */
export const replay = ({ store, replays }: { store: Store; replays: Replays }) =>
  mutation(replayDeadLetters, async ({ ids, filter = {}, limit, after, content }, context) => {
    const { projectId } = context.principal;
    const search = ids === undefined ? await searchOf(store, projectId, filter) : undefined;
    const found = search && (await store.listDeadLetters(projectId, { ...search, limit, after }));
    const theirs = found?.slice(0, limit).map(({ message }) => message.id) ?? [...new Set(ids)];
    const { replayed, skipped } = await replays(
      { ids: theirs, content, target: 'deadLetters', action: replayDeadLetters.name },
      context,
    );
    const more = found !== undefined && found.length > limit;
    return {
      replayed,
      skipped: skipped.map(({ id, reason }) => ({ id, reason })),
      more,
      after: more ? (theirs.at(-1) ?? null) : null,
    };
  });
