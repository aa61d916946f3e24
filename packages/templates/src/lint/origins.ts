/** Names that a block gives to something of outside, and whether the inside sees anything else of outside. */
interface Block {
  names: Map<string, string>;
  isolated: boolean;
}

/** Blocks within each other that are looked through; deeper, anything might stand there. */
const deepest = 50;

/**
 * Answers for one output after the other, first to last, whether it must be a web address. It must when it is a
 * variable as it is that `isWebUrl` says so of, or a literal one, seen through the names that partials and loops
 * around it give. Anything else might be anything.
 */
export function createOrigins(pieces: string[], isWebUrl: (path: string[]) => boolean) {
  const blocks: Block[] = [{ names: new Map(), isolated: false }];
  let next = 0;

  function enter(piece: string): void {
    const [, tag = '', args = ''] = /^\{%-?\s*(\w+)([\s\S]*?)-?%\}$/.exec(piece) ?? [];
    if (tag === 'scope') blocks.push({ names: namesOf(args), isolated: true });
    if (tag === 'for' || tag === 'tablerow') {
      const [, name = '', list = ''] = /^\s*([\w-]+)\s+in\s+([\w.-]+)/.exec(args) ?? [];
      blocks.push({ names: new Map([[name, `${list}.*`]]), isolated: false });
    }
    if (tag === 'endscope' || tag === 'endfor' || tag === 'endtablerow') blocks.pop();
    if (tag === 'assign' || tag === 'capture') {
      const [, name = ''] = /^\s*([\w-]+)/.exec(args) ?? [];
      // What it holds from here on is not followed.
      blocks.at(-1)?.names.set(name, '?');
    }
  }

  return (index: number): boolean => {
    for (; next < index; next += 1) enter(pieces[next] ?? '');
    const [, output] = /^\{\{-?\s*([\w.-]+)\s*-?\}\}$/.exec(pieces[index] ?? '') ?? [];
    if (output === undefined || blocks.length > deepest) return false;
    let path = output.split('.');
    for (const { names, isolated } of blocks.toReversed()) {
      const [root = '', ...rest] = path;
      const origin = names.get(root);
      if (origin !== undefined && /^['"]/.test(origin)) return /^['"]https?:\/\//i.test(origin);
      if (origin !== undefined) path = [...origin.split('.'), ...rest];
      else if (isolated) return false;
    }
    return isWebUrl(path);
  };
}

function namesOf(args: string): Map<string, string> {
  const names = new Map<string, string>();
  // A word is passed over whether or not a value stands behind it, so that each character is looked at once.
  const words = args.matchAll(/([\w-]+)(?:\s*:\s*("[^"]*"|'[^']*'|[\w.-]+))?/g);
  for (const [, name = '', value] of words) if (value !== undefined) names.set(name, value);
  return names;
}
