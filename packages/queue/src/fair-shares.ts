import type { ProjectState } from '@tidings/db';

/**
 * Divides `total` among those who want of it, max-min fairly: nobody gets more than it wants, and what one leaves is
 * divided among the others. In whole numbers, and at least 1 to whoever wants anything, so that with more of them
 * than `total` it is exceeded. Answers the shares in the order of `wants`.
 */
export function fairShares(total: number, wants: readonly number[]): number[] {
  const shares: number[] = [];
  let left = total;
  let others = wants.length;
  // Of two that want all there is the difference is NaN, which sorts as equal.
  const ascending = wants.map((want, index) => ({ want, index })).toSorted((a, b) => a.want - b.want);
  for (const { want, index } of ascending) {
    const share = Math.min(want, Math.max(1, Math.floor(left / others)));
    shares[index] = share;
    left -= share;
    others -= 1;
  }
  return shares;
}

/**
 * How many more messages of each project may enter a window of this size: its share, less what it has there. One with
 * a backlog wants whatever there is, as far as it is `admitted`.
 */
export function fairRooms(
  size: number,
  projects: readonly ProjectState[],
  admitted: (project: ProjectState) => number = () => Number.POSITIVE_INFINITY,
): number[] {
  const wants = projects.map((project) =>
    project.backlog ? Math.max(project.inQueue, admitted(project)) : project.inQueue,
  );
  const shares = fairShares(size, wants);
  return projects.map(({ inQueue }, index) => Math.max(0, (shares[index] ?? 0) - inQueue));
}
