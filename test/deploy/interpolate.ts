/** Variables by name, as a shell or a .env gives them. */
export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Fills in `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:+instead}` and `${NAME+instead}`, one
 * within another too, as Compose does (the interpolation chapter of the Compose Specification); with the
 * colon, an empty variable counts as not set. `$$` is a dollar.
 *
 * @throws Error at any other use of the dollar.
 */
export function interpolate(text: string, variables: Variables): string {
  const dollar = text.indexOf('$');
  if (dollar < 0) return text;
  const before = text.slice(0, dollar);
  if (text[dollar + 1] === '$') return `${before}$${interpolate(text.slice(dollar + 2), variables)}`;
  const end = endOfBraces(text, dollar + 1);
  const value = substitute(text.slice(dollar + 2, end), variables);
  return before + value + interpolate(text.slice(end + 1), variables);
}

/** The names of all variables in a text, those within defaults too. */
export function namesIn(text: string): Set<string> {
  return new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name));
}

function substitute(expression: string, variables: Variables): string {
  const [, name = '', operator = '', rest = ''] = /^(\w+)(:?[-+])?(.*)$/s.exec(expression) ?? [];
  const value = variables[name];
  const isSet = value !== undefined && (value !== '' || !operator.startsWith(':'));
  if (operator.endsWith('+')) return isSet ? interpolate(rest, variables) : '';
  if (operator.endsWith('-')) return isSet ? value : interpolate(rest, variables);
  if (name === '' || rest !== '') throw new Error(`no variable: \${${expression}}`);
  return value ?? '';
}

function endOfBraces(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (depth === 0) {
      if (at === start) break;
      return at;
    }
  }
  throw new Error(`a dollar without its braces: ${text}`);
}
