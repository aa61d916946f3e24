import { Liquid, type Template } from 'liquidjs';

/** A compiled template. */
export type Compiled = Template[];

/** Where a rendered text goes, which decides its escaping. */
export type Target = 'html' | 'text';

// Tags that would reach for other files. Partials and layouts come with template management.
const fileTags = ['include', 'render', 'layout', 'block'];

const compiledAtMost = 5_000;

/** Compiles and renders Liquid, caching what it compiled. */
export interface TemplateEngine {
  /** @throws Error with line and column when the source is not valid Liquid or names an unknown filter. */
  compile(source: string, target: Target): Compiled;
  /** @throws Error when a limit is reached or a filter fails. */
  render(source: string, target: Target, data: Record<string, unknown>): string;
}

/**
 * Liquid as the only template language, with output escaped in HTML, no files, no prototypes, and bounds: a
 * source of at most `parseLimit` characters, `renderLimitMs` of rendering and `memoryLimit` units of
 * LiquidJS' own memory count, so that no template can hold up the process.
 */
export function createTemplateEngine(
  options: { parseLimit?: number; renderLimitMs?: number; memoryLimit?: number } = {},
): TemplateEngine {
  const { parseLimit = 1_000_000, renderLimitMs = 100, memoryLimit = 5_000_000 } = options;
  const limits = { parseLimit, renderLimit: renderLimitMs, memoryLimit };
  const engines: Record<Target, Liquid> = {
    html: newLiquid({ ...limits, outputEscape: 'escape' }),
    text: newLiquid(limits),
  };
  const compiled = new Map<string, Compiled>();

  function compile(source: string, target: Target): Compiled {
    const key = `${target}:${source}`;
    const known = compiled.get(key);
    if (known !== undefined) return known;
    const fresh = engines[target].parse(source);
    // Oldest first: a Map keeps the order of insertion.
    if (compiled.size >= compiledAtMost)
      for (const oldest of compiled.keys()) {
        compiled.delete(oldest);
        break;
      }
    compiled.set(key, fresh);
    return fresh;
  }

  return {
    compile,
    render: (source, target, data) => engines[target].renderSync(compile(source, target), data) as string,
  };
}

function newLiquid(options: ConstructorParameters<typeof Liquid>[0]): Liquid {
  const liquid = new Liquid({
    ...options,
    ownPropertyOnly: true,
    strictFilters: true,
    templates: {},
    dynamicPartials: false,
  });
  for (const tag of fileTags) delete liquid.tags[tag];
  return liquid;
}
