import type { ChannelContent, ErrorDetail } from '@tidings/contracts';
import type { Target, TemplateEngine } from './engine.ts';

/** The parts of each channel's content and where their text goes. */
const parts: ReadonlyArray<[channel: 'email' | 'push', part: string, target: Target]> = [
  ['email', 'subject', 'text'],
  ['email', 'html', 'html'],
  ['email', 'text', 'text'],
  ['push', 'title', 'text'],
  ['push', 'body', 'text'],
  ['push', 'url', 'text'],
];

/** Every part that is not valid Liquid, with its place under `/content`. */
export function checkContent(engine: TemplateEngine, content: ChannelContent): ErrorDetail[] {
  const check = (source: string, target: Target, pointer: string): ErrorDetail[] => {
    try {
      engine.compile(source, target);
      return [];
    } catch (error) {
      const detail = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      return [{ pointer, detail }];
    }
  };
  const inParts = parts.flatMap(([channel, part, target]) => {
    const source = (content[channel] as Record<string, string | undefined> | undefined)?.[part];
    return source === undefined ? [] : check(source, target, `/content/${channel}/${part}`);
  });
  const inData = Object.entries(content.push?.data ?? {}).flatMap(([key, source]) =>
    check(source, 'text', `/content/push/data/${key}`),
  );
  return [...inParts, ...inData];
}
