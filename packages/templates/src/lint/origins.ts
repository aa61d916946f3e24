/** Names that a block gives to something of outside, and whether the inside sees anything else of outside. */
interface Block {
  names: Map<string, string>;
  isolated: boolean;
}

/**
 * Must the output at this index be a web address? It must when it is a variable as it is that `isWebUrl` says so
 * of, or a literal one, seen through the names that partials and loops around it give. Anything else might be
 * anything.
 */
export function mustBeWebUrl(
  pieces: string[],
  index: number,
  isWebUrl: (path: string[]) => boolean,
): boolean {
  const [, output] = /^\{\{-?\s*([\w.-]+)\s*-?\}\}$/.exec(pieces[index] ?? '') ?? [];
  if (output === undefined) return false;
  let path = output.split('.');
  for (const { names, isolated } of blocksAround(pieces, index).reverse()) {
    const [root = '', ...rest] = path;
    const origin = names.get(root);
    if (origin !== undefined && /^['"]/.test(origin)) return /^['"]https?:\/\//i.test(origin);
    if (origin !== undefined) path = [...origin.split('.'), ...rest];
    else if (isolated) return false;
  }
  return isWebUrl(path);
}

function blocksAround(pieces: string[], index: number): Block[] {
  const blocks: Block[] = [];
  for (const piece of pieces.slice(0, index)) {
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
      const block = blocks.at(-1) ?? { names: new Map<string, string>(), isolated: false };
      if (blocks.length === 0) blocks.push(block);
      block.names.set(name, '?');
    }
  }
  return blocks;
}

function namesOf(args: string): Map<string, string> {
  const pairs = args.matchAll(/([\w-]+)\s*:\s*("[^"]*"|'[^']*'|[\w.-]+)/g);
  return new Map([...pairs].map(([, name = '', value = '']) => [name, value]));
}
