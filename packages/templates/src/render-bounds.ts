import {
  type Context,
  type Emitter,
  type FilterImplOptions,
  filters,
  type Liquid,
  type Template,
  toValue,
} from 'liquidjs';

type Handler = Extract<FilterImplOptions, (...args: never[]) => unknown>;

/** A render was given up for its time. Another time, on a machine with less to do, it may succeed. */
export class RenderTimeLimit extends Error {
  constructor(cause: unknown) {
    super('the render takes too long', { cause });
    this.name = 'RenderTimeLimit';
  }
}

/** LiquidJS wraps what went wrong in errors that say where. */
export function isTimeLimit(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.message === 'template render limit exceeded') return true;
  return 'originalError' in error && isTimeLimit(error.originalError);
}

/**
 * What LiquidJS' own limits leave out: what is written, `capture` and loops included, is at most
 * `outputLimit` characters for a render, and lists cannot be doubled within each other, which would make a few
 * of them an endless text.
 */
export function boundRender(liquid: Liquid, outputLimit: number): void {
  // Everything that is rendered passes here; what brings no emitter is a whole render or a `capture`.
  const { renderer } = liquid;
  const renderTemplates = renderer.renderTemplates.bind(renderer);
  const written = new WeakMap<object, { left: number }>();

  function emitterFor({ memoryLimit }: Context): Emitter {
    // One for each render: scopes within it share theirs.
    const budget = written.get(memoryLimit) ?? { left: outputLimit };
    written.set(memoryLimit, budget);
    return {
      buffer: '',
      write(value: unknown) {
        const text = typeof value === 'string' ? value : textOf(value);
        budget.left -= text.length;
        if (budget.left < 0) throw new Error(`output limit exceeded: more than ${outputLimit} characters`);
        this.buffer += text;
      },
    };
  }

  renderer.renderTemplates = (templates: Template[], context: Context, emitter = emitterFor(context)) =>
    renderTemplates(templates, context, emitter);

  const { push, unshift, concat, map } = filters as Record<string, Handler>;
  for (const [name, filter] of Object.entries({ push, unshift })) {
    liquid.registerFilter(name, function (list, item) {
      if (Array.isArray(toValue(item))) throw new Error(`${name} takes no list: concat joins two of them`);
      return filter?.call(this, list, item);
    });
  }
  liquid.registerFilter('concat', function (list, more) {
    return counted(this.context, concat?.call(this, list, more));
  });
  liquid.registerFilter('map', function* (list, property) {
    return counted(this.context, yield* map?.call(this, list, property));
  });
}

/** Lists within lists count with all that is in them. */
function counted(context: Context, list: unknown[]): unknown[] {
  for (const item of list) {
    if (!Array.isArray(item)) continue;
    context.memoryLimit.use(1 + item.length);
    counted(context, item);
  }
  return list;
}

function textOf(value: unknown): string {
  const plain: unknown = toValue(value);
  if (plain === undefined || plain === null) return '';
  return Array.isArray(plain) ? plain.map(textOf).join('') : String(plain);
}
