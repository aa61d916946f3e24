// The thread that MJML is compiled in: it blocks for as long as that takes, and may be ended from outside.
import { parentPort } from 'node:worker_threads';
import mjmlCore from 'mjml-core';
import presetCore from 'mjml-preset-core';
import type { Compiled } from './run.ts';

// A CommonJS module: what it calls its default is within what Node imports as such.
const { default: mjml2html } = mjmlCore;

/** Characters of HTML that one source may become: as many as the engine parses. */
const longest = 1_000_000;

parentPort?.on('message', async (source: string) => {
  parentPort?.postMessage(await compile(source));
});

async function compile(source: string): Promise<Compiled> {
  try {
    const { html, errors } = await mjml2html(source, {
      presets: [presetCore],
      validationLevel: 'soft',
      ignoreIncludes: true,
      keepComments: false,
      minify: false,
      beautify: false,
      // By default MJML links to Google's fonts for some names.
      fonts: {},
    });
    // Dropped here: it is not even copied to those who asked.
    if (html.length > longest) {
      return { html: '', faults: [{ line: 1, message: `becomes more than ${longest} characters of HTML` }] };
    }
    return { html, faults: errors.map(({ line, message }) => ({ line: line ?? 1, message })) };
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { html: '', faults: [{ line: Number(/[Ll]ine:? (\d+)/.exec(message)?.[1] ?? 1), message }] };
  }
}
