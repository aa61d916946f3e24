/** What is read of a profile of V8 (the `Profiler` domain of the inspector protocol). */
export interface CpuProfile {
  nodes: ProfileNode[];
  samples?: number[];
  timeDeltas?: number[];
}

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
  children?: number[];
}

/** How much of the time was spent in one function itself, without what it called. */
export interface SelfTime {
  name: string;
  /** Of the time that was not idle, 0 to 1. */
  share: number;
}

/** The functions that took most of the time that was not idle, and how much was idle. */
export function selfTimes(profile: CpuProfile, top: number): { functions: SelfTime[]; idleShare: number } {
  const { nodes, samples = [], timeDeltas = [] } = profile;
  const parentOf = new Map(nodes.flatMap((node) => (node.children ?? []).map((id) => [id, node] as const)));
  const nameOf = new Map(nodes.map((node) => [node.id, describe(node, parentOf.get(node.id))]));
  const byName = new Map<string, number>();
  let total = 0;
  let idle = 0;
  samples.forEach((id, index) => {
    const took = timeDeltas[index] ?? 0;
    const name = nameOf.get(id) ?? '?';
    total += took;
    if (name === '(idle)') idle += took;
    else byName.set(name, (byName.get(name) ?? 0) + took);
  });
  const functions = [...byName]
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, top)
    .map(([name, took]) => ({ name, share: took / (total - idle) }));
  return { functions, idleShare: idle / total };
}

/** The same by package: `node_modules/<name>`, `node:<module>`, or the folder of ours. */
export function selfTimesByPlace(profile: CpuProfile): SelfTime[] {
  const places = {
    ...profile,
    nodes: profile.nodes.map(({ id, callFrame }) => ({
      id,
      callFrame: { functionName: placeOf(callFrame), url: '', lineNumber: -1 },
    })),
  };
  return selfTimes(places, 25).functions;
}

/** What an addon does in C++ has no name: there the caller says what it is. */
function describe({ callFrame }: ProfileNode, parent?: ProfileNode): string {
  const { functionName, url, lineNumber } = callFrame;
  if (functionName === '' && url === '' && parent !== undefined)
    return `native code, from ${describe(parent)}`;
  const name = functionName || '(anonymous)';
  return url === '' ? name : `${name}  ${shorten(url)}:${lineNumber + 1}`;
}

function placeOf({ functionName, url }: ProfileNode['callFrame']): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)';
  const [, dependency] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
  if (dependency !== undefined && dependency !== '') return dependency;
  const [, ours] = /.*\/((?:apps|packages|bench)\/[\w-]+)/.exec(url) ?? [];
  return ours ?? url.split('/')[0] ?? url;
}

function shorten(url: string): string {
  return url.replace(/^.*\/node_modules\//, '').replace(/^file:\/\/.*\/((?:apps|packages|bench)\/)/, '$1');
}
