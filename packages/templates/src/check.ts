import type { ChannelContent, ErrorDetail, JsonObject, VariableKind } from '@tidings/contracts';
import type { Target, TemplateEngine } from './engine.ts';

/** The parts of each channel's content and where their text goes. */
const parts: ReadonlyArray<[channel: 'email' | 'push', part: string, target: Target]> = [
  ['email', 'subject', 'text'],
  ['email', 'html', 'html'],
  ['email', 'text', 'text'],
  ['push', 'title', 'text'],
  ['push', 'body', 'text'],
];

/** Every part that is not valid Liquid, with its place under `/content`. */
export function checkContent(engine: TemplateEngine, content: ChannelContent): ErrorDetail[] {
  return parts.flatMap(([channel, part, target]) => {
    const source = (content[channel] as Record<string, string | undefined> | undefined)?.[part];
    if (source === undefined) return [];
    try {
      engine.compile(source, target);
      return [];
    } catch (error) {
      const detail = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      return [{ pointer: `/content/${channel}/${part}`, detail }];
    }
  });
}

/** Every declared variable that the data lacks or that is not what it must be, by name. */
export function checkVariables(declared: Record<string, VariableKind>, data: JsonObject): ErrorDetail[] {
  return Object.entries(declared).flatMap(([name, kind]) => {
    const fault = Object.hasOwn(data, name) ? faults[kind](data[name]) : 'is required by the template';
    return fault === undefined ? [] : [{ pointer: `/data/${name}`, detail: fault }];
  });
}

const faults: Record<VariableKind, (value: unknown) => string | undefined> = {
  string: (value) =>
    typeof value === 'string' && value.length > 0 ? undefined : 'must be a non-empty string',
  url: (value) => (isWebUrl(value) ? undefined : 'must be an absolute http or https URL'),
};

function isWebUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  return ['http:', 'https:'].includes(new URL(value).protocol);
}
