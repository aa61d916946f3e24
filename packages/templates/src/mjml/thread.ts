// The thread that MJML is compiled in: it blocks for as long as that takes, and may be ended from outside.
import { parentPort } from 'node:worker_threads';
import mjmlCore from 'mjml-core';
import presetCore from 'mjml-preset-core';
import type { MjmlResult } from './compile.ts';

// A CommonJS module: what it calls its default is within what Node imports as such.
const { default: mjml2html } = mjmlCore;

parentPort?.on('message', async (source: string) => {
  parentPort?.postMessage(await compile(source));
});

async function compile(source: string): Promise<MjmlResult> {
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
    return { html, faults: errors.map(({ line, message }) => ({ line: line ?? 1, message })) };
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { html: '', faults: [{ line: Number(/[Ll]ine:? (\d+)/.exec(message)?.[1] ?? 1), message }] };
  }
}
