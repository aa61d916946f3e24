import {
  type Arguments,
  type Context,
  type Emitter,
  Hash,
  type Liquid,
  type Parser,
  type PartialScope,
  Tag,
  type TagToken,
  type Template,
  type TopLevelToken,
  type ValueToken,
} from 'liquidjs';

let made = 0;

/**
 * `{% scope name: value %}…{% endscope %}`: what a partial becomes when it is taken in. As in LiquidJS' `render`,
 * the inside sees the named values and nothing else of what is around it.
 */
class ScopeTag extends Tag {
  private readonly hash: Hash;
  private readonly templates: Template[] = [];
  private readonly id: string;

  constructor(token: TagToken, remain: TopLevelToken[], liquid: Liquid, parser: Parser) {
    super(token, remain, liquid);
    made += 1;
    this.id = `scope ${made}`;
    this.hash = new Hash(this.tokenizer);
    const stream = parser
      .parseStream(remain)
      .on('tag:endscope', () => stream.stop())
      .on('template', (template: Template) => this.templates.push(template))
      .on('end', () => {
        throw new Error(`tag ${token.getText()} not closed`);
      });
    stream.start();
  }

  *render(context: Context, emitter: Emitter): Generator<unknown, void, unknown> {
    const inner = context.spawn();
    Object.assign(inner.bottom(), yield this.hash.render(context));
    yield this.liquid.renderer.renderTemplates(this.templates, inner, emitter);
  }

  *children(): Generator<unknown, Template[]> {
    return (yield this.templates) as Template[];
  }

  *arguments(): Arguments {
    for (const value of Object.values(this.hash.hash)) {
      // LiquidJS types them as tokens of any kind; what stands behind a name is a value.
      if (value !== undefined) yield value as ValueToken;
    }
  }

  /** The analysis looks at each name once, so each has its own. */
  partialScope(): PartialScope {
    return { name: this.id, isolated: true, scope: Object.keys(this.hash.hash) };
  }
}

/** Teaches an engine the tag. */
export function registerScope(liquid: Liquid): void {
  liquid.registerTag('scope', ScopeTag);
}
