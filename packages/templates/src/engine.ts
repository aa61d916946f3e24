import { Liquid, type Template } from 'liquidjs';
import { boundRender, isTimeLimit, RenderTimeLimit } from './render-bounds.ts';
import { registerScope } from './scope-tag.ts';

/** A compiled template. */
export type Compiled = Template[];

/** Where a rendered text goes, which decides its escaping. */
export type Target = 'html' | 'text';

// Tags that would reach for other files. Layouts and partials are taken in before anything is rendered.
const fileTags = ['include', 'render', 'layout', 'block'];

/** Source characters of what the cache holds at most; compiled they take some fifty times that in memory. */
const cachedCharactersAtMost = 1_000_000;
/** A longer source is compiled each time: a few of them must not push out all the others. */
const cachedLengthAtMost = 100_000;

/** Compiles and renders Liquid, caching what it compiled. */
export interface TemplateEngine {
  /** @throws Error with line and column when the source is not valid Liquid or names an unknown filter. */
  compile(source: string, target: Target): Compiled;
  /**
   * Renders with this data. What the data does not have is looked for in `globals`.
   *
   * @throws RenderTimeLimit when it takes too long.
   * @throws Error when another limit is reached or a filter fails.
   */
  render(
    source: string,
    target: Target,
    data: Record<string, unknown>,
    globals?: Record<string, unknown>,
  ): string;
}

/**
 * Liquid as the only template language, with output escaped in HTML, no files, no prototypes, and bounds: a
 * source of at most `parseLimit` characters, an output of at most `outputLimit`, `renderLimitMs` of rendering and
 * `memoryLimit` units of LiquidJS' own memory count, so that no template can hold up the process.
 */
export function createTemplateEngine(
  options: { parseLimit?: number; outputLimit?: number; renderLimitMs?: number; memoryLimit?: number } = {},
): TemplateEngine {
  const { parseLimit = 1_000_000, outputLimit = 2_000_000, renderLimitMs = 100 } = options;
  const { memoryLimit = 5_000_000 } = options;
  const limits = { parseLimit, renderLimit: renderLimitMs, memoryLimit };
  const engines: Record<Target, Liquid> = {
    html: newLiquid({ ...limits, outputEscape: 'escape' }),
    text: newLiquid(limits),
  };
  for (const engine of Object.values(engines)) boundRender(engine, outputLimit);
  const compiled = new Map<string, Compiled>();
  let cachedCharacters = 0;

  function compile(source: string, target: Target): Compiled {
    const key = `${target}:${source}`;
    const known = compiled.get(key);
    if (known !== undefined) return known;
    const fresh = engines[target].parse(source);
    if (source.length <= cachedLengthAtMost) keep(key, fresh);
    return fresh;
  }

  function keep(key: string, fresh: Compiled): void {
    compiled.set(key, fresh);
    cachedCharacters += key.length;
    // Oldest first: a Map keeps the order of insertion.
    for (const oldest of compiled.keys()) {
      if (cachedCharacters <= cachedCharactersAtMost) break;
      compiled.delete(oldest);
      cachedCharacters -= oldest.length;
    }
  }

  return {
    compile,
    render: (source, target, data, globals) => {
      const templates = compile(source, target);
      try {
        return engines[target].renderSync(templates, data, globals && { globals }) as string;
      } catch (error) {
        throw isTimeLimit(error) ? new RenderTimeLimit(error) : error;
      }
    },
  };
}

/** LiquidJS without the tags that would read other templates. */
export function newLiquid(options: ConstructorParameters<typeof Liquid>[0]): Liquid {
  const liquid = new Liquid({
    ...options,
    ownPropertyOnly: true,
    strictFilters: true,
    templates: {},
    dynamicPartials: false,
  });
  for (const tag of fileTags) delete liquid.tags[tag];
  registerScope(liquid);
  return liquid;
}
