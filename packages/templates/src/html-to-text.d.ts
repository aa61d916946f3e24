declare module 'html-to-text' {
  /** What of the options is used here; see the package's README. */
  interface Options {
    wordwrap: number | false;
    limits: { maxInputLength: number; maxDepth: number };
    selectors: Array<{ selector: string; format?: string; options?: Record<string, unknown> }>;
  }
  export function compile(options: Options): (html: string) => string;
}
