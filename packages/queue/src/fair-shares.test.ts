import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fairRooms, fairShares } from './fair-shares.ts';

const all = Number.POSITIVE_INFINITY;

describe('fair shares', () => {
  test.each([
    [10, [all], [10]],
    [10, [all, all], [5, 5]],
    [10, [all, 2], [8, 2]],
    [10, [3, all, 1, all], [3, 3, 1, 3]],
    [10, [1, 2, 3], [1, 2, 3]],
    [10, [0, all], [0, 10]],
    [10, [], []],
  ])('of %d for those who want %j: %j', (total, wants, shares) => {
    expect(fairShares(total, wants)).toEqual(shares);
  });

  test('with more takers than there is to take, each gets one', () => {
    expect(fairShares(2, [all, all, 0, all])).toEqual([1, 1, 0, 1]);
  });

  test('nobody gets more than it wants, and less only where nobody else has more than one above it', () => {
    const wants = fc.array(fc.oneof(fc.nat(5000), fc.constant(all)), { maxLength: 50 });
    fc.assert(
      fc.property(fc.integer({ min: 50, max: 4000 }), wants, (total, wanted) => {
        const shares = fairShares(total, wanted);
        const sum = shares.reduce((left, share) => left + share, 0);
        const sumWanted = wanted.reduce((left, want) => left + want, 0);
        expect(sum).toBe(Math.min(total, sumWanted));
        wanted.forEach((want, index) => {
          const share = shares[index] ?? 0;
          expect(share).toBeLessThanOrEqual(want);
          if (share < want) expect(Math.max(...shares)).toBeLessThanOrEqual(share + wanted.length);
        });
      }),
    );
  });
});

describe('rooms in a window', () => {
  const project = (projectId: string, inQueue: number, backlog = true) => ({ projectId, inQueue, backlog });

  test('a late project has room up to its share though another fills the window', () => {
    expect(fairRooms(100, [project('a', 100), project('b', 0)])).toEqual([0, 50]);
  });

  test('what a project has in the window without a backlog is all that it takes', () => {
    expect(fairRooms(100, [project('a', 20), project('b', 10, false)])).toEqual([70, 0]);
  });

  test('a project has no more room than it is admitted, and the others have the rest', () => {
    const admitted = ({ projectId }: { projectId: string }) => (projectId === 'a' ? 30 : all);
    expect(fairRooms(100, [project('a', 10), project('b', 0)], admitted)).toEqual([20, 70]);
  });

  test('a project that nobody would take takes no room but that of what is there', () => {
    const admitted = ({ projectId }: { projectId: string }) => (projectId === 'a' ? 0 : all);
    expect(fairRooms(100, [project('a', 10), project('b', 0)], admitted)).toEqual([0, 90]);
  });
});
