import type { ChannelContent, ErrorDetail } from '@tidings/contracts';
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
