declare module 'html-to-text' {
  /** A node of what was parsed; a text has neither attributes nor children. */
  export interface Element {
    name: string;
    attribs: Record<string, string>;
    children: Element[];
  }
  type Walk = (children: Element[], builder: unknown) => void;
  /** What of the options is used here; see the package's README. */
  interface Options {
    wordwrap: number | false;
    limits: { maxInputLength: number; maxDepth: number };
    baseElements: { selectors: string[] };
    formatters: Record<string, (element: Element, walk: Walk, builder: unknown) => void>;
    selectors: Array<{ selector: string; format?: string; options?: Record<string, unknown> }>;
  }
  export function compile(options: Options): (html: string) => string;
}
